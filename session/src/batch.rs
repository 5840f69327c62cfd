//! What rows that were read or written together share: their block, their session, and the
//! relationships loaded for them.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use mirrorm_core::rows::{Block, BlockBuilder, ColumnInfo, Columns, Row};
use mirrorm_core::schema::{ColumnId, Table, TableDef};
use mirrorm_core::value::ValueRef;
use parking_lot::Mutex;

use crate::history::FieldChange;
use crate::inner::Inner;
use crate::key::Key;
use crate::named_signal::NamedSignal;
use crate::relation::Related;

/// What all batches of a version of a table share in a session.
pub(crate) struct Source {
    pub(crate) table: Table,
    pub(crate) def: Arc<TableDef>,
    pub(crate) session: Weak<Inner>,
    /// Who is told of attributes that are set.
    pub(crate) attribute_set: NamedSignal<FieldChange>,
}

impl Source {
    pub(crate) fn new(table: &Table, def: Arc<TableDef>, session: &Arc<Inner>) -> Source {
        let attribute_set = session.db.signals().attribute_set.clone();
        Source { table: table.clone(), def, session: Arc::downgrade(session), attribute_set }
    }
}

/// Rows that were read or written together. Nothing in it changes but what is loaded for it.
pub(crate) struct Batch {
    source: Arc<Source>,
    pub(crate) block: Stored,
    /// The transaction the values were read in.
    pub(crate) epoch: u64,
    /// Whether the columns of the block are the table's, in their order.
    pub(crate) full: bool,
    /// Whether relationships may be loaded when they are touched.
    pub(crate) lazy: AtomicBool,
    /// For rows that were inserted: the columns whose values were sent.
    pub(crate) sent: Option<Arc<[ColumnId]>>,
    /// Loaded relationships, by name.
    pub(crate) related: Mutex<Vec<(Arc<str>, Arc<Related>)>>,
}

/// The block of a batch: shared with the result it came in, or its own, which is one allocation
/// less for a row that was read by its key.
pub(crate) enum Stored {
    Shared(Arc<Block>),
    Own(Block),
}

impl Deref for Stored {
    type Target = Block;

    #[inline]
    fn deref(&self) -> &Block {
        match self {
            Stored::Shared(block) => block,
            Stored::Own(block) => block,
        }
    }
}

impl From<Arc<Block>> for Stored {
    fn from(block: Arc<Block>) -> Stored {
        Stored::Shared(block)
    }
}

impl From<Block> for Stored {
    fn from(block: Block) -> Stored {
        Stored::Own(block)
    }
}

impl Stored {
    /// The block for somebody else to hold; an own one has one row, and is copied.
    pub(crate) fn share(&self) -> Arc<Block> {
        match self {
            Stored::Shared(block) => block.clone(),
            Stored::Own(block) => Arc::new(block.clone()),
        }
    }
}

impl Deref for Batch {
    type Target = Source;

    fn deref(&self) -> &Source {
        &self.source
    }
}

/// A row of a batch.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) batch: Arc<Batch>,
    pub(crate) row: u32,
}

impl Batch {
    /// A batch of rows of a table.
    pub(crate) fn new(source: Arc<Source>, block: impl Into<Stored>, epoch: u64) -> Batch {
        let block = block.into();
        let (columns, def) = (block.columns(), &source.def);
        let full = columns.len() == def.columns().len()
            && columns.iter().zip(def.columns()).all(|(own, column)| is_same(own.name(), column.key()));
        Batch {
            source,
            block,
            epoch,
            full,
            lazy: AtomicBool::new(true),
            sent: None,
            related: Mutex::default(),
        }
    }

    /// A row of some columns, and over another one of the same row what it tells.
    pub(crate) fn merged(old: &Place, new: &Place) -> Place {
        let def = &new.batch.def;
        let cell = |at: usize| new.value(at).or_else(|| old.value(at));
        let known: Vec<usize> = (0..def.columns().len()).filter(|at| cell(*at).is_some()).collect();
        let columns = known.iter().filter_map(|at| def.column_at(*at));
        let infos = columns.map(|column| ColumnInfo::new(column.key(), column.ty().clone()));
        let mut builder = BlockBuilder::new(Arc::new(Columns::new(infos.collect())), 1);
        known.iter().for_each(|at| builder.push_ref(cell(*at).unwrap_or(ValueRef::Null)));
        builder.end_row();
        let mut batch = Batch::new(new.batch.source.clone(), builder.close_raw(), new.batch.epoch);
        batch.lazy = new.batch.lazy_too();
        let place = Place { batch: Arc::new(batch), row: 0 };
        place.keep_related(new, |_| true);
        place
    }

    /// A batch of one row with some of the cells of another.
    pub(crate) fn of_cells(place: &Place, positions: impl Iterator<Item = usize>) -> Batch {
        let def = &place.batch.def;
        let cells = positions.filter_map(|at| Some((def.column_at(at)?, place.value(at)?)));
        let (columns, values): (Vec<_>, Vec<_>) = cells.unzip();
        let infos = columns.iter().map(|column| ColumnInfo::new(column.key(), column.ty().clone()));
        let mut builder = BlockBuilder::new(Arc::new(Columns::new(infos.collect())), 1);
        values.into_iter().for_each(|value| builder.push_ref(value));
        builder.end_row();
        Batch::new(place.batch.source.clone(), builder.close_raw(), place.batch.epoch)
    }

    /// Keeps what a relationship leads to.
    pub(crate) fn hang(&self, name: &Arc<str>, related: Arc<Related>) {
        let mut list = self.related.lock();
        list.retain(|(own, _)| own != name);
        list.push((name.clone(), related));
    }

    /// Whether relationships may be loaded when they are touched, for another batch.
    pub(crate) fn lazy_too(&self) -> AtomicBool {
        AtomicBool::new(self.lazy.load(Ordering::Relaxed))
    }

    /// Where a column of the definition lies in the block.
    #[inline]
    pub(crate) fn column(&self, position: usize) -> Option<usize> {
        if self.full {
            return Some(position);
        }
        let key = self.def.column_at(position)?.key();
        self.block.columns().position(key).ok()
    }

    /// The value of a column of the definition; none where it was not read.
    #[inline]
    pub(crate) fn value(&self, row: u32, position: usize) -> Option<ValueRef<'_>> {
        self.block.value(row as usize, self.column(position)?)
    }

    /// The key of a row.
    #[inline]
    pub(crate) fn key(&self, row: u32, positions: &[usize]) -> Option<Key> {
        if let [only] = positions
            && let Some(ValueRef::Int(n)) = self.value(row, *only)
        {
            return Some(Key::Int(n));
        }
        let value = |position: &usize| self.value(row, *position).unwrap_or(ValueRef::Null);
        Key::of(positions.iter().map(value))
    }
}

/// Whether two names are equal; those of ready plans are the same.
fn is_same(a: &str, b: &str) -> bool {
    std::ptr::eq(a, b) || a == b
}

impl Place {
    /// Whether it is the same.
    pub(crate) fn is(&self, other: &Place) -> bool {
        Arc::ptr_eq(&self.batch, &other.batch) && self.row == other.row
    }

    /// Takes over what is loaded for another place of the same row.
    pub(crate) fn keep_related(&self, before: &Place, keeps: impl Fn(&Arc<str>) -> bool) {
        let all = before.batch.related.lock().clone();
        for (name, related) in all.into_iter().filter(|(name, _)| keeps(name)) {
            self.batch.hang(&name, Arc::new(related.of_row(before.row)));
        }
    }

    /// The row.
    pub(crate) fn to_row(&self) -> Row {
        Row::new(self.batch.block.share(), self.row as usize)
    }

    /// The value of a column of the batch's definition.
    pub(crate) fn value(&self, position: usize) -> Option<ValueRef<'_>> {
        self.batch.value(self.row, position)
    }

    /// The key of the row.
    pub(crate) fn key(&self) -> Option<Key> {
        self.batch.key(self.row, key_of(&self.batch.def))
    }
}

/// The positions of the columns that make a row of a table the same row: its primary key.
pub(crate) fn key_of(def: &TableDef) -> &[usize] {
    def.primary_key().map_or(&[], |key| &key.columns)
}
