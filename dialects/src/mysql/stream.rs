//! Rows as they are asked for, a block or so in memory.
//!
//! The protocol sends a result to its end before anything else may be sent, and the driver lends its
//! connection for as long; so a thread reads it and hands over a few hundred rows at a time. When
//! something else is to be sent meanwhile, the rest is read first. A stream that is left early is read
//! to its end too, and thrown away.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use mirrorm_core::dialect::{Cursor, Request};
use mirrorm_core::rows::{BlockBuilder, Columns};
use mirrorm_core::{Error, ErrorKind, Result};
use mysql::prelude::Queryable;
use mysql::{Column, Row, Value as Raw};

use super::driver::{MySqlConnection, described, positional, push_row};
use super::values::Cell;
use crate::words::Effect;

/// The most rows handed over at once.
const ROWS: usize = 512;
/// The bytes handed over at once, by and large.
const BYTES: usize = 64 * 1024;

/// What the reading thread hands over.
enum Piece {
    Columns(Vec<Column>),
    Rows(Vec<Row>),
}

/// The driver's connection when the thread is done with it, and how it went.
type Back = (mysql::Conn, std::result::Result<(), mysql::Error>);

/// A stream that is being read.
struct Running {
    id: u64,
    pieces: Receiver<Piece>,
    thread: JoinHandle<Back>,
}

/// The streams of a connection: one is read at a time.
#[derive(Default)]
pub(super) struct Streams {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    count: u64,
    running: Option<Running>,
    /// What was read of streams that had to make way, and how they ended.
    rest: HashMap<u64, (VecDeque<Row>, Result<()>)>,
}

impl Streams {
    /// Forgets what a user left behind.
    pub(super) fn forget(&self) {
        self.state.borrow_mut().rest.clear();
    }

    /// Reads what is left of the stream that is being read: something else is about to be sent.
    pub(super) fn settle(&self, connection: &MySqlConnection) -> Result<()> {
        let Some(running) = self.state.borrow_mut().running.take() else { return Ok(()) };
        let mut rows = VecDeque::new();
        while let Ok(piece) = running.pieces.recv() {
            if let Piece::Rows(more) = piece {
                rows.extend(more);
            }
        }
        let ended = give_back(connection, running.thread);
        self.state.borrow_mut().rest.insert(running.id, (rows, ended));
        Ok(())
    }

    /// Sends a query and lends its rows as a stream.
    pub(super) fn query(
        &self,
        connection: &MySqlConnection,
        request: &Request<'_>,
        params: Vec<Raw>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        let id = self.start(connection, request.sql, params)?;
        let result = self.described(connection, id, request).and_then(|mut stream| body(&mut stream));
        let running = self.state.borrow_mut().running.take_if(|running| running.id == id);
        self.state.borrow_mut().rest.remove(&id);
        match running {
            Some(Running { pieces, thread, .. }) => {
                drop(pieces);
                let ended = give_back(connection, thread);
                // A stream that was left early has told what was asked for.
                result.and_then(|()| ended.or_else(only_lost))
            }
            None => result,
        }
    }

    fn start(&self, connection: &MySqlConnection, sql: &str, params: Vec<Raw>) -> Result<u64> {
        let raw = connection.raw.borrow_mut().take();
        let raw = raw.ok_or_else(|| Error::new(ErrorKind::Disconnected, "closed"))?;
        let (sender, pieces) = sync_channel(1);
        let sql = connection.text_for(sql, &params).into_owned();
        let thread = std::thread::spawn(move || read(raw, &sql, params, &sender));
        let mut state = self.state.borrow_mut();
        state.count += 1;
        state.running = Some(Running { id: state.count, pieces, thread });
        Ok(state.count)
    }

    /// The stream, once its columns are known.
    fn described<'c>(
        &'c self,
        connection: &'c MySqlConnection,
        id: u64,
        request: &Request<'_>,
    ) -> Result<Stream<'c>> {
        match self.next(connection, id)? {
            Some(Piece::Columns(found)) => {
                let (cells, columns) = described(&found, request.columns)?;
                Ok(Stream { connection, id, rows: VecDeque::new(), cells, columns })
            }
            _ => Err(Error::new(ErrorKind::Invalid, "the statement gives no rows")),
        }
    }

    /// The next piece of a stream; none at its end.
    fn next(&self, connection: &MySqlConnection, id: u64) -> Result<Option<Piece>> {
        let mut state = self.state.borrow_mut();
        if let Some((rows, ended)) = state.rest.remove(&id) {
            state.rest.insert(id, (VecDeque::new(), Ok(())));
            return if rows.is_empty() {
                ended.map(|()| None)
            } else {
                state.rest.insert(id, (VecDeque::new(), ended));
                Ok(Some(Piece::Rows(rows.into())))
            };
        }
        let Some(running) = state.running.as_ref().filter(|running| running.id == id) else {
            return Ok(None);
        };
        match running.pieces.recv() {
            Ok(piece) => Ok(Some(piece)),
            Err(_) => match state.running.take() {
                Some(running) => give_back(connection, running.thread).map(|()| None),
                None => Ok(None),
            },
        }
    }
}

/// An error that matters although nobody reads on: the connection is gone.
fn only_lost(error: Error) -> Result<()> {
    if error.kind() == ErrorKind::Disconnected { Err(error) } else { Ok(()) }
}

/// Takes the driver's connection back from a thread that is done.
fn give_back(connection: &MySqlConnection, thread: JoinHandle<Back>) -> Result<()> {
    let Ok((raw, result)) = thread.join() else {
        return Err(Error::new(ErrorKind::Disconnected, "the driver panicked"));
    };
    *connection.raw.borrow_mut() = Some(raw);
    connection.noted(Effect::None, result)
}

/// Reads a result, piece by piece, until nobody wants more.
fn read(mut raw: mysql::Conn, sql: &str, params: Vec<Raw>, to: &SyncSender<Piece>) -> Back {
    let result = read_all(&mut raw, sql, params, to);
    (raw, result)
}

fn read_all(
    raw: &mut mysql::Conn,
    sql: &str,
    params: Vec<Raw>,
    to: &SyncSender<Piece>,
) -> std::result::Result<(), mysql::Error> {
    let statement = raw.prep(sql)?;
    let mut result = raw.exec_iter(statement, positional(params))?;
    if to.send(Piece::Columns(result.columns().as_ref().to_vec())).is_err() {
        return Ok(());
    }
    let (mut rows, mut bytes) = (Vec::new(), 0);
    for row in result.by_ref() {
        let row = row?;
        bytes += size(&row);
        rows.push(row);
        if rows.len() >= ROWS || bytes >= BYTES {
            bytes = 0;
            if to.send(Piece::Rows(std::mem::take(&mut rows))).is_err() {
                return Ok(());
            }
        }
    }
    if !rows.is_empty() {
        let _ = to.send(Piece::Rows(rows));
    }
    Ok(())
}

fn size(row: &Row) -> usize {
    let cells = (0..row.len()).filter_map(|at| row.as_ref(at));
    cells.map(|raw| if let Raw::Bytes(bytes) = raw { bytes.len() } else { 8 }).sum()
}

/// A result on its way.
struct Stream<'c> {
    connection: &'c MySqlConnection,
    id: u64,
    rows: VecDeque<Row>,
    cells: Vec<Cell>,
    columns: Arc<Columns>,
}

impl Cursor for Stream<'_> {
    fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    fn fill(&mut self, block: &mut BlockBuilder) -> Result<bool> {
        loop {
            while let Some(row) = self.rows.pop_front() {
                if push_row(&row, (&self.cells, &self.columns), self.connection.zone.get(), block) {
                    return Ok(true);
                }
            }
            match self.connection.streams.next(self.connection, self.id)? {
                Some(Piece::Rows(rows)) => self.rows = rows.into(),
                Some(Piece::Columns(_)) => {}
                None => return Ok(false),
            }
        }
    }
}
