//! The log of a level: what was done to rows, step by step, kept cheaply until somebody asks.
//!
//! Rows that one statement wrote lie in one block, so one entry stands for all of them; a [`Change`]
//! of each is made when a receiver or a rollback wants to see it. What comes of a log in the end is
//! told by `changes`.

use std::collections::HashSet;
use std::ops::{Deref, Range};
use std::sync::Arc;

use mirrorm_core::stmt::Operation;

use crate::batch::{Batch, Place};
use crate::changes::{Change, Pair};
use crate::record::Record;

/// What was done, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Vec<Entry>);

#[derive(Clone)]
enum Entry {
    One(Change),
    Run(Run),
}

/// Rows that were inserted or updated together: those of a batch, each of the record at its place.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) records: Part<Record>,
    /// Where the records stood before; none where they were inserted.
    pub(crate) old: Option<Part<Place>>,
    pub(crate) new: Arc<Batch>,
    /// The bind key of the database it was done in.
    pub(crate) bind: Option<Arc<str>>,
}

/// Neighbours in a list that is shared.
pub(crate) struct Part<T> {
    all: Arc<[T]>,
    range: Range<usize>,
}

impl<T> Part<T> {
    /// A part of this part.
    pub(crate) fn part(&self, range: Range<usize>) -> Part<T> {
        let at = |position: usize| (self.range.start + position).min(self.range.end);
        Part { all: self.all.clone(), range: at(range.start)..at(range.end) }
    }
}

impl<T> From<Vec<T>> for Part<T> {
    fn from(list: Vec<T>) -> Part<T> {
        Part { range: 0..list.len(), all: list.into() }
    }
}

impl<T> Default for Part<T> {
    fn default() -> Part<T> {
        Vec::new().into()
    }
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Part<T> {
        Part { all: self.all.clone(), range: self.range.clone() }
    }
}

impl<T> Deref for Part<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.all.get(self.range.clone()).unwrap_or(&[])
    }
}

impl Run {
    fn steps(&self) -> impl Iterator<Item = Change> {
        self.records.iter().enumerate().map(|(at, record)| {
            let new = Place { batch: self.new.clone(), row: at as u32 };
            let rows = match self.old.as_ref().and_then(|old| old.get(at)) {
                Some(old) => Pair::Both(old.clone(), new),
                None => Pair::New(new),
            };
            Change::row(self.bind.clone(), Some(record.clone()), rows)
        })
    }
}

impl Log {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a step.
    pub(crate) fn push(&mut self, change: Change) {
        self.0.push(Entry::One(change));
    }

    /// Adds the steps of rows that were written together.
    pub(crate) fn push_run(&mut self, run: Run) {
        self.0.push(Entry::Run(run));
    }

    /// Adds what was done later.
    pub(crate) fn append(&mut self, mut later: Log) {
        match self.0.is_empty() {
            true => *self = later,
            false => self.0.append(&mut later.0),
        }
    }

    /// Takes out the steps that were done in some databases.
    pub(crate) fn take_out(&mut self, is_out: impl Fn(Option<&str>) -> bool) -> Log {
        let bind = |entry: &Entry| match entry {
            Entry::One(change) => is_out(change.bind()),
            Entry::Run(run) => is_out(run.bind.as_deref()),
        };
        let (out, kept) = std::mem::take(&mut self.0).into_iter().partition(bind);
        self.0 = kept;
        Log(out)
    }

    /// Every step.
    pub(crate) fn steps(&self) -> Vec<Change> {
        let mut all = Vec::with_capacity(self.0.len());
        for entry in &self.0 {
            match entry {
                Entry::One(change) => all.push(change.clone()),
                Entry::Run(run) => all.extend(run.steps()),
            }
        }
        all
    }

    /// The addresses of the records it has steps of.
    pub(crate) fn addresses(&self) -> HashSet<usize> {
        let mut all = HashSet::new();
        for entry in &self.0 {
            match entry {
                Entry::One(change) => all.extend(change.record().map(Record::address)),
                Entry::Run(run) => all.extend(run.records.iter().map(Record::address)),
            }
        }
        all
    }

    /// The records that were deleted.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = &Record> {
        self.0.iter().filter_map(|entry| match entry {
            Entry::One(change) if change.operation == Operation::Delete => change.record(),
            _ => None,
        })
    }
}
