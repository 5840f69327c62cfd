//! Arrays, and values that have no variant of their own.
//!
//! Not here: arrays' text forms, which differ between databases and live in the dialects.

use std::sync::Arc;

use super::{Json, Value};
use crate::error::{Error, Result};

/// An array with its element type, dimensions and lower bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    element: Arc<str>,
    dimensions: Vec<(i32, usize)>,
    items: Vec<Value>,
}

impl Array {
    /// A flat array counted from 1, as SQL counts.
    pub fn new(element: impl Into<Arc<str>>, items: Vec<Value>) -> Array {
        let dimensions = if items.is_empty() { Vec::new() } else { vec![(1, items.len())] };
        Array { element: element.into(), dimensions, items }
    }

    /// An array of several dimensions, each a lower bound and a length, with its items in row
    /// order.
    ///
    /// # Errors
    /// `Conversion` when the lengths do not multiply to the number of items.
    pub fn with_dimensions(
        element: impl Into<Arc<str>>,
        dimensions: Vec<(i32, usize)>,
        items: Vec<Value>,
    ) -> Result<Array> {
        let product = dimensions.iter().try_fold(1usize, |n, (_, len)| n.checked_mul(*len));
        let expected = if dimensions.is_empty() { Some(0) } else { product };
        if expected != Some(items.len()) {
            let got = items.len();
            return Err(Error::conversion(format!("{got} items do not fill {dimensions:?}")));
        }
        Ok(Array { element: element.into(), dimensions, items })
    }

    /// An array of the items of a JSON list, or of the lists in it, each brought to the element's type by a
    /// function.
    ///
    /// # Errors
    /// `Conversion` when the document is no list, or its lists are not of one length; the function's.
    pub fn of_json(
        element: impl Into<Arc<str>>,
        list: &Json,
        each: impl Fn(Value) -> Result<Value>,
    ) -> Result<Array> {
        let mut dimensions = Vec::new();
        let mut items: Vec<Value> = list.parse()?;
        // A list of nothing has no dimensions, and a list of lists has one more.
        while !items.is_empty() {
            let before: usize = dimensions.iter().map(|(_, length)| *length).product();
            dimensions.push((1, items.len() / before.max(1)));
            if !items.iter().all(is_list) {
                break;
            }
            items = flattened(&items)?;
        }
        let items = items.into_iter().map(each).collect::<Result<_>>()?;
        Array::with_dimensions(element, dimensions, items)
    }

    /// The database's name of the element type.
    pub fn element(&self) -> &str {
        &self.element
    }

    /// Lower bound and length of each dimension; empty for an empty array.
    pub fn dimensions(&self) -> &[(i32, usize)] {
        &self.dimensions
    }

    /// The items in row order.
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

fn is_list(value: &Value) -> bool {
    matches!(value, Value::Json(json) if json.as_str().trim_start().starts_with('['))
}

/// The items of lists that are of one length.
fn flattened(lists: &[Value]) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut length = None;
    for list in lists {
        let Value::Json(json) = list else { continue };
        let items: Vec<Value> = json.parse()?;
        if *length.get_or_insert(items.len()) != items.len() {
            return Err(Error::conversion("the lists in an array are of one length"));
        }
        all.extend(items);
    }
    Ok(all)
}

/// A value that fits no variant, kept verbatim so that it can be written back unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Other {
    type_name: Arc<str>,
    data: OtherData,
}

/// What an [`Other`] holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OtherData {
    /// The database's text form.
    Text(Box<str>),
    /// The database's binary form, or text that is not UTF-8.
    Bytes(Box<[u8]>),
}

impl Other {
    /// A value in the database's text form, with the database's name of its type.
    pub fn text(type_name: impl Into<Arc<str>>, text: impl Into<Box<str>>) -> Other {
        Other { type_name: type_name.into(), data: OtherData::Text(text.into()) }
    }

    /// A value in the database's binary form, with the database's name of its type.
    pub fn bytes(type_name: impl Into<Arc<str>>, bytes: impl Into<Box<[u8]>>) -> Other {
        Other { type_name: type_name.into(), data: OtherData::Bytes(bytes.into()) }
    }

    /// The database's name of the type.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The text or the bytes.
    pub fn data(&self) -> &OtherData {
        &self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_arrays() {
        let of = |text: &str| Array::of_json("int4", &text.parse().unwrap(), Ok);
        assert_eq!(of("[]").unwrap(), Array::new("int4", vec![]));
        assert_eq!(of("[1, null]").unwrap(), Array::new("int4", vec![1.into(), Value::Null]));
        let nested = of("[[1, 2], [3, 4], [5, 6]]").unwrap();
        assert_eq!((nested.dimensions(), nested.items().len()), (&[(1, 3), (1, 2)][..], 6));
        assert!(of("[[1], [2, 3]]").is_err() && of("{}").is_err() && of("5").is_err());
    }

    #[test]
    fn dimensions_must_fit() {
        let items = vec![Value::Int(1), Value::Int(2)];
        assert_eq!(Array::new("int4", items.clone()).dimensions(), [(1, 2)]);
        assert!(Array::with_dimensions("int4", vec![(0, 2), (1, 1)], items.clone()).is_ok());
        assert!(Array::with_dimensions("int4", vec![(1, 3)], items.clone()).is_err());
        assert!(Array::with_dimensions("int4", vec![(1, usize::MAX), (1, 2)], items).is_err());
    }
}
