//! What `select(..)` takes: tables, columns, expressions, and lists of them.

use crate::expr::{Expr, Node, Op, Origin, Source, named};
use crate::schema::{Alias, Table};

/// The columns of a SELECT and the table they come from first.
pub trait Selection {
    /// Adds itself: the first table becomes the FROM, expressions become columns.
    #[doc(hidden)]
    fn add_to(self, list: &mut SelectionList);
}

/// A selection being gathered.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct SelectionList {
    pub(crate) from: Option<Source>,
    pub(crate) items: Vec<Item>,
}

/// One thing to select.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// All columns of a table.
    Table(Source),
    /// One expression.
    Expr(Expr),
}

impl SelectionList {
    pub(super) fn table(&mut self, source: Source) {
        self.from.get_or_insert_with(|| source.clone());
        self.items.push(Item::Table(source));
    }

    fn expr(&mut self, expr: Expr) {
        if self.from.is_none() {
            self.from = first_source(&expr);
        }
        self.items.push(Item::Expr(expr));
    }
}

/// The first table an expression names.
fn first_source(expr: &Expr) -> Option<Source> {
    match &expr.0 {
        Node::Column(column) => Some(column.source.clone()),
        Node::Apply(Op::Exists, _) => None,
        Node::Apply(_, kids) => kids.items.iter().find_map(first_source),
        _ => None,
    }
}

impl Selection for &Table {
    fn add_to(self, list: &mut SelectionList) {
        list.table(Source::of(self));
    }
}

impl Selection for &Alias {
    fn add_to(self, list: &mut SelectionList) {
        list.table(Source {
            table: self.table.clone(),
            alias: Some(self.alias.clone()),
            origin: Origin::Table,
            depth: 0,
        });
    }
}

impl Selection for Expr {
    fn add_to(self, list: &mut SelectionList) {
        list.expr(self);
    }
}

impl Selection for &Expr {
    fn add_to(self, list: &mut SelectionList) {
        list.expr(self.clone());
    }
}

/// What is selected under this name, in `order_by` and `group_by`.
impl Selection for &str {
    fn add_to(self, list: &mut SelectionList) {
        list.expr(named(self));
    }
}

impl<S: Selection> Selection for Vec<S> {
    fn add_to(self, list: &mut SelectionList) {
        self.into_iter().for_each(|item| item.add_to(list));
    }
}

impl<S: Selection, const N: usize> Selection for [S; N] {
    fn add_to(self, list: &mut SelectionList) {
        self.into_iter().for_each(|item| item.add_to(list));
    }
}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        impl<$first: Selection, $($rest: Selection),*> Selection for ($first, $($rest,)*) {
            #[allow(non_snake_case)]
            fn add_to(self, list: &mut SelectionList) {
                let ($first, $($rest,)*) = self;
                $first.add_to(list);
                $($rest.add_to(list);)*
            }
        }
        tuples!($($rest)*);
    };
    () => {};
}
tuples!(A B C D E F G H I J K L M N O P);
