//! Rows on their way from the server into blocks: all at once, or as a stream.
//!
//! A stream is a cursor of the server, a few hundred rows a round trip, so that the connection is free
//! for other statements between (manual, DECLARE). Outside a transaction it brings its own; when
//! something else is sent meanwhile, the rest of its rows is read first and that transaction ends, so
//! that what is sent commits by itself as it would have.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::error::Error as StdError;
use std::sync::Arc;

use mirrorm_core::Result;
use mirrorm_core::dialect::{Connection, Cursor, Request};
use mirrorm_core::rows::{BlockBuilder, Columns};
use postgres::Row;
use postgres::types::{FromSql, Type};

use super::decode::Cell;
use super::driver::{Fetched, PostgresConnection, Prepared};
use super::encode::Param;
use super::limit::Limit;

/// The bytes of a cell, whatever its type.
pub(super) struct Raw<'r>(pub(super) &'r [u8]);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> std::result::Result<Raw<'r>, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Adds a row to a block; whether the block is full.
fn push_row(row: &Row, cells: &[Cell], columns: &Columns, block: &mut BlockBuilder) -> bool {
    for (at, (cell, column)) in cells.iter().zip(columns.iter()).enumerate() {
        match row.try_get::<_, Option<Raw<'_>>>(at) {
            Ok(Some(Raw(raw))) => cell.push(raw, column.class(), block),
            _ => block.push_null(),
        }
    }
    block.end_row()
}

/// Rows that were read.
pub(super) struct Held<'c> {
    pub(super) rows: std::vec::IntoIter<Row>,
    pub(super) cells: &'c [Cell],
    pub(super) columns: &'c Arc<Columns>,
}

impl Cursor for Held<'_> {
    fn columns(&self) -> &Arc<Columns> {
        self.columns
    }

    fn fill(&mut self, block: &mut BlockBuilder) -> Result<bool> {
        for row in self.rows.by_ref() {
            if push_row(&row, self.cells, self.columns, block) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The streams of a connection.
#[derive(Default)]
pub(super) struct Streams {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// Streams so far.
    count: u64,
    /// The stream that brought its own transaction and is still in it.
    own: Option<u64>,
    /// What was read of streams whose transaction had to end.
    rest: HashMap<u64, VecDeque<Row>>,
}

/// The rows of the first round trip.
const FIRST: usize = 32;
/// The most rows of a round trip.
const MOST: usize = 512;
/// The bytes a round trip should not exceed by much.
const BYTES: usize = 128 * 1024;

impl Streams {
    /// Whether the transaction that is open is a stream's and nobody else's.
    pub(super) fn is_own_transaction(&self) -> bool {
        self.state.borrow().own.is_some()
    }

    /// Forgets what a user left behind.
    pub(super) fn forget(&self) {
        let mut state = self.state.borrow_mut();
        state.own = None;
        state.rest.clear();
    }

    /// Ends the transaction that a stream brought, after reading what is left of the stream: somebody is
    /// about to send something that is not part of it.
    pub(super) fn settle(&self, connection: &PostgresConnection) -> Result<()> {
        let Some(id) = self.state.borrow_mut().own.take() else { return Ok(()) };
        // Nobody's limit is for this; COMMIT takes it back.
        let rest = connection.simple("SET LOCAL statement_timeout = 0").and_then(|_| {
            connection.fetch_now::<Param<'_>>((&format!("FETCH ALL FROM {}", name(id)), false), &[])
        });
        connection.simple("COMMIT")?;
        self.state.borrow_mut().rest.insert(id, rest?.rows.into());
        Ok(())
    }

    /// Sends a query and lends its rows as a stream.
    pub(super) fn query(
        &self,
        connection: &PostgresConnection,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        self.settle(connection)?;
        let own = !connection.in_transaction();
        let id = self.next();
        if own {
            connection.simple("BEGIN")?;
            self.state.borrow_mut().own = Some(id);
        }
        let result = self.declare(connection, id, request).and_then(|mut stream| body(&mut stream));
        let ended = self.end(connection, id, own);
        result.and(ended)
    }

    fn next(&self) -> u64 {
        let mut state = self.state.borrow_mut();
        state.count += 1;
        state.count
    }

    fn declare<'c>(
        &'c self,
        connection: &'c PostgresConnection,
        id: u64,
        request: &Request<'c>,
    ) -> Result<Stream<'c>> {
        let declare = format!("DECLARE {} NO SCROLL CURSOR FOR {}", name(id), request.sql);
        let params: Vec<Param<'_>> = request.params.iter().map(|value| Param(value.as_ref())).collect();
        connection.fetch_now((&declare, false), &params)?;
        let mut stream = Stream {
            connection,
            id,
            rows: VecDeque::new(),
            columns: Arc::default(),
            cells: Vec::new(),
            size: FIRST,
            done: false,
            limit: connection.limits.now(),
        };
        // The first rows tell the columns.
        let told = stream.fetch()?;
        stream.columns = told.columns(request.columns)?.clone();
        stream.cells.clone_from(&told.cells);
        Ok(stream)
    }

    /// Closes a stream, and the transaction if it brought one.
    fn end(&self, connection: &PostgresConnection, id: u64, own: bool) -> Result<()> {
        let mut state = self.state.borrow_mut();
        state.rest.remove(&id);
        let is_open = state.own.take_if(|open| *open == id).is_some();
        drop(state);
        match (own, is_open) {
            (true, true) => connection.simple("COMMIT").map(|_| ()),
            (true, false) => Ok(()),
            (false, _) => {
                // In a transaction that failed, or is over, it is closed already.
                let close = format!("CLOSE {}", name(id));
                if connection.is_usable() { connection.simple(&close).map(|_| ()) } else { Ok(()) }
            }
        }
    }
}

fn name(id: u64) -> String {
    format!("mirrorm_stream_{id}")
}

/// A cursor of the server.
struct Stream<'c> {
    connection: &'c PostgresConnection,
    id: u64,
    rows: VecDeque<Row>,
    /// How the cells are read.
    cells: Vec<Cell>,
    /// Rows to ask for next.
    size: usize,
    done: bool,
    columns: Arc<Columns>,
    /// How long each of its questions may take, whatever other statements may meanwhile.
    limit: Limit,
}

impl Stream<'_> {
    /// Reads the next rows, as many as make a round trip worth its while.
    fn fetch(&mut self) -> Result<Arc<Prepared>> {
        self.connection.set_limit(self.limit)?;
        let sql = format!("FETCH {} FROM {}", self.size, name(self.id));
        let Fetched { rows, prepared, .. } = self.connection.fetch_now::<Param<'_>>((&sql, false), &[])?;
        self.done = rows.len() < self.size;
        let bytes: usize = rows.iter().map(Row::raw_size_bytes).sum();
        self.size = (BYTES / (bytes / rows.len().max(1)).max(1)).clamp(1, MOST);
        self.rows = rows.into();
        Ok(prepared)
    }

    /// Makes sure that there is a row to read, if there is one at all.
    fn refill(&mut self) -> Result<()> {
        if !self.rows.is_empty() || self.done {
            return Ok(());
        }
        if let Some(rest) = self.connection.streams.state.borrow_mut().rest.remove(&self.id) {
            (self.rows, self.done) = (rest, true);
            return Ok(());
        }
        self.fetch().map(|_| ())
    }
}

impl Cursor for Stream<'_> {
    fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    fn fill(&mut self, block: &mut BlockBuilder) -> Result<bool> {
        loop {
            self.refill()?;
            let Some(row) = self.rows.pop_front() else { return Ok(false) };
            if push_row(&row, &self.cells, &self.columns, block) {
                return Ok(true);
            }
        }
    }
}
