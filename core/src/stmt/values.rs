//! Named values: what inserts and updates take.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;

use crate::expr::Expr;

/// Named values: `values! { "name" => "ann" }`, pairs in arrays, `Vec`s or maps.
pub trait IntoValues {
    /// Gives each name and value to the function.
    fn each(self, take: &mut dyn FnMut(&str, Expr));

    /// How many there are, as far as that is known.
    #[doc(hidden)]
    fn expected(&self) -> usize {
        0
    }
}

impl<K: AsRef<str>, V: Into<Expr>, const N: usize> IntoValues for [(K, V); N] {
    fn expected(&self) -> usize {
        N
    }

    fn each(self, take: &mut dyn FnMut(&str, Expr)) {
        self.into_iter().for_each(|(name, value)| take(name.as_ref(), value.into()));
    }
}

macro_rules! lists {
    ($($list:ty),*) => {$(
        impl<K: AsRef<str>, V: Into<Expr>> IntoValues for $list {
            fn expected(&self) -> usize {
                self.len()
            }

            fn each(self, take: &mut dyn FnMut(&str, Expr)) {
                self.into_iter().for_each(|(name, value)| take(name.as_ref(), value.into()));
            }
        }
    )*};
}
lists!(Vec<(K, V)>, IndexMap<K, V>, HashMap<K, V>, BTreeMap<K, V>);

impl IntoValues for () {
    fn each(self, _: &mut dyn FnMut(&str, Expr)) {}
}

/// Names with values, without an allocation for the names.
///
/// The values are anything that becomes an expression: Rust values, `Option`s, `func::now()`.
///
/// ```
/// use mirrorm::prelude::*;
///
/// let db = Db::open("sqlite://")?;
/// let users = db.table("users", (column("id", Integer).primary_key(), column("name", Text)))?;
/// db.create_all()?;
/// insert(&users).values(values! { "id" => 7, "name" => "ann" }).run(&db)?;
/// assert_eq!(select(&users).one(&db)?.get::<String>("name")?, "ann");
/// # Ok::<(), mirrorm::Error>(())
/// ```
#[macro_export]
macro_rules! values {
    () => { () };
    ($($name:expr => $value:expr),+ $(,)?) => {
        [$(($name, $crate::Expr::from($value))),+]
    };
}
