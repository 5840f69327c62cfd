//! Which line of the program a statement comes from.
//!
//! Verbs that send statements are `#[track_caller]` and [`mark`] where they were called, while
//! somebody listens; `observe` reads it. A verb that calls another one stays the caller.

use std::cell::Cell;
use std::panic::Location;

use super::observe::anybody_listens;

thread_local! {
    static CALLER: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// The verb that marked its caller; over when it is dropped.
#[doc(hidden)]
#[must_use = "the caller is forgotten when the mark is dropped"]
pub struct Marked(bool);

/// Notes who called the verb that calls this, unless an outer verb did.
#[doc(hidden)]
#[inline]
#[track_caller]
pub fn mark() -> Marked {
    if !anybody_listens() {
        return Marked(false);
    }
    let caller = Location::caller();
    let is_first = CALLER.try_with(|known| {
        let is_first = known.get().is_none();
        known.set(known.get().or(Some(caller)));
        is_first
    });
    Marked(is_first.unwrap_or(false))
}

/// While code of the program runs in a verb, what that sends is its own.
#[doc(hidden)]
pub fn unmarked<T>(body: impl FnOnce() -> T) -> T {
    struct Restore(Option<&'static Location<'static>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = CALLER.try_with(|known| known.set(self.0));
        }
    }
    let _restore = Restore(CALLER.try_with(|known| known.replace(None)).ok().flatten());
    body()
}

/// The line that called the outermost verb.
pub(super) fn caller() -> Option<&'static Location<'static>> {
    CALLER.try_with(Cell::get).ok().flatten()
}

impl Drop for Marked {
    #[inline]
    fn drop(&mut self) {
        if self.0 {
            let _ = CALLER.try_with(|known| known.set(None));
        }
    }
}
