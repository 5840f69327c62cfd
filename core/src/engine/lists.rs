//! Lists as parameters of a prepared plan: the plan stays as it is, whatever their length.
//!
//! Where the dialect has arrays a list is one parameter; elsewhere as many placeholders stand in the text as there
//! are values, put in when the plan runs. Called by `plan`.

use std::borrow::Cow;

use crate::compile::{Compiled, ListSlot, ParamSlot};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Node, Op};
use crate::value::{Array, Value};

/// The values of a list that was given for a parameter: a tuple, of any length.
pub(super) fn values_of(expr: Expr, name: &str) -> Result<Vec<Value>> {
    let no_list = || {
        let message = format!("the parameter `{name}` takes a list of values: `tuple(vec![..])`");
        Error::new(ErrorKind::Invalid, message)
    };
    match expr.0 {
        Node::Apply(Op::Tuple, kids) => {
            kids.items.iter().map(|item| item.clone().try_value().map_err(|_| no_list())).collect()
        }
        Node::Invalid(mistake) => Err(mistake),
        _ => Err(no_list()),
    }
}

/// The text and the parameters with the lists in their places. Lists are by the place of their slot.
pub(super) fn with_lists<'c>(
    compiled: &'c Compiled,
    binds: Vec<Value>,
    lists: Vec<(usize, Vec<Value>)>,
) -> (Cow<'c, str>, Vec<Value>) {
    if lists.is_empty() {
        return (Cow::Borrowed(&compiled.sql), binds);
    }
    let (mut sql, mut from) = (String::with_capacity(compiled.sql.len() + 64), 0);
    let mut all = Vec::with_capacity(binds.len());
    let mut lists: Vec<_> = lists.into_iter().map(Some).collect();
    for (at, bind) in binds.into_iter().enumerate() {
        let slot = compiled.params.iter().find(|slot| slot.at == at && slot.list.is_some());
        let list = slot.and_then(|slot| taken(slot, &mut lists));
        match (list, slot.and_then(|slot| slot.list)) {
            (Some(values), Some(ListSlot::Array)) => all.push(Value::Array(Box::new(Array::new("", values)))),
            (Some(values), Some(ListSlot::Text { start, end })) => {
                sql.push_str(compiled.sql.get(from..start).unwrap_or_default());
                // Nothing is in no rows, and everything outside them, NULL too.
                match values.len() {
                    0 => sql.push_str("SELECT NULL WHERE 1 = 0"),
                    count => sql.push_str(&vec!["?"; count].join(", ")),
                }
                from = end;
                all.extend(values);
            }
            _ => all.push(bind),
        }
    }
    sql.push_str(compiled.sql.get(from..).unwrap_or_default());
    (Cow::Owned(sql), all)
}

fn taken(slot: &ParamSlot, lists: &mut [Option<(usize, Vec<Value>)>]) -> Option<Vec<Value>> {
    let list = lists.iter_mut().find(|list| list.as_ref().is_some_and(|(at, _)| *at == slot.at))?;
    list.take().map(|(_, values)| values)
}
