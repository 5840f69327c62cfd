//! Parameters of raw SQL: tuples, arrays, lists, or none.

use crate::value::Value;

/// Parameters in the order of their placeholders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(pub(crate) Vec<Value>);

/// What raw SQL takes as parameters: `()`, a tuple of values of different types, an array, a
/// slice, a `Vec`.
pub trait IntoParams {
    /// The values in order.
    fn into_params(self) -> Params;
}

impl IntoParams for Params {
    fn into_params(self) -> Params {
        self
    }
}

impl IntoParams for () {
    fn into_params(self) -> Params {
        Params::default()
    }
}

impl<T: Into<Value>> IntoParams for Vec<T> {
    fn into_params(self) -> Params {
        Params(self.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>, const N: usize> IntoParams for [T; N] {
    fn into_params(self) -> Params {
        Params(self.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value> + Clone> IntoParams for &[T] {
    fn into_params(self) -> Params {
        Params(self.iter().cloned().map(Into::into).collect())
    }
}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        impl<$first: Into<Value>, $($rest: Into<Value>),*> IntoParams for ($first, $($rest,)*) {
            #[allow(non_snake_case)]
            fn into_params(self) -> Params {
                let ($first, $($rest,)*) = self;
                Params(vec![$first.into(), $($rest.into()),*])
            }
        }
        tuples!($($rest)*);
    };
    () => {};
}
tuples!(A B C D E F G H I J K L M N O P);
