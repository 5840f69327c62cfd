//! Values of other crates, one file and one feature each.
//!
//! Into a [`Value`](super::Value) without loss; out of one with an error where the other type has a
//! smaller range. None of them changes what a value is.

#[cfg(feature = "bigdecimal")]
mod bigdecimal;
#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;

/// The traits that follow from `From<T> for Value` and `FromValue for T`.
#[allow(unused_macros)]
macro_rules! also {
    ($($type:ty),*) => {$(
        impl From<&$type> for $crate::value::Value {
            fn from(value: &$type) -> $crate::value::Value {
                $crate::value::Value::from(value.clone())
            }
        }

        impl $crate::rows::IntoCell for $type {
            fn push_to(self, buffer: &mut $crate::rows::RowBuffer) {
                buffer.push($crate::value::Value::from(self));
            }
        }
    )*};
}
#[allow(unused_imports)]
use also;

/// The error of a value that the other type has no room for.
#[allow(dead_code)]
fn out_of_range(value: impl std::fmt::Display, ty: &str) -> crate::Error {
    crate::Error::conversion(format!("{value} is out of the range of {ty}"))
}

#[allow(dead_code)]
const NANOS: i64 = 1_000_000_000;
