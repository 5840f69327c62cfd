//! Inserting records: runs of equal columns go together, keys and server values come back.

use std::sync::Arc;

use mirrorm_core::compile::Target;
use mirrorm_core::engine::Conn;
use mirrorm_core::rows::{Block, BlockBuilder, RowBuffer};
use mirrorm_core::schema::{ClientDefault, ColumnDef, ColumnId, Table, TableDef};
use mirrorm_core::stmt::{Operation, insert};
use mirrorm_core::value::Value;
use mirrorm_core::{Error, ErrorKind, Result};

use super::finish::{Given, Sent};
use super::{complete, miscounted, positions};
use crate::inner::Verb;
use crate::log::Part;
use crate::overlay::Overlay;
use crate::record::{Record, can_write};

/// Records that are gathered, sent and moved together: with their values they fit the cache of a processor, and of more
/// rows a statement gains nothing.
const NEAR: usize = 2048;

/// Records of one table that are given the same columns, and their values.
struct Run<'r> {
    def: &'r Arc<TableDef>,
    table: &'r Table,
    records: Part<Record>,
    columns: &'r [ColumnId],
    positions: Vec<usize>,
    values: &'r RowBuffer,
    /// The position of the column whose values the database makes, if they were not given.
    generated: Option<usize>,
}

impl Verb<'_> {
    pub(super) fn insert(&self, conn: &Conn, table: &Table, records: &Part<Record>) -> Result<()> {
        let def = table.def();
        for start in (0..records.len()).step_by(NEAR) {
            self.insert_some(conn, (table, &def), &records.part(start..records.len().min(start + NEAR)))?;
        }
        Ok(())
    }

    fn insert_some(&self, conn: &Conn, of: (&Table, &Arc<TableDef>), records: &Part<Record>) -> Result<()> {
        let with_exprs = |record: &Record| record.0.state.lock().has_exprs();
        let mut start = 0;
        for (at, record) in records.iter().enumerate().filter(|(_, record)| with_exprs(record)) {
            self.insert_values(conn, of, &records.part(start..at))?;
            self.insert_by_expressions(conn, of, record)?;
            start = at + 1;
        }
        self.insert_values(conn, of, &records.part(start..records.len()))
    }

    fn insert_values(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        records: &Part<Record>,
    ) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let defaults: Vec<(ColumnId, &ClientDefault)> =
            def.columns().filter_map(|column| Some((column.id(), column.client_default()?))).collect();
        let generated = def.generated_key().map(ColumnDef::id);
        let mut columns: Vec<ColumnId> = Vec::new();
        let mut values = RowBuffer::default();
        let mut start = 0;
        for (at, record) in records.iter().enumerate() {
            let mut state = record.0.state.lock();
            if state.links.is_some() || !defaults.is_empty() {
                drop(state);
                self.copy_keys(record)?;
                complete(record, &defaults);
                state = record.0.state.lock();
            }
            tidy(&mut state.overlay, generated);
            if at == start || !state.overlay.columns().eq(columns.iter().copied()) {
                if at > start {
                    drop(state);
                    self.insert_run(conn, (table, def), records.part(start..at), &columns, &values)?;
                    state = record.0.state.lock();
                }
                columns = state.overlay.columns().collect();
                match at {
                    0 => values = RowBuffer::with_capacity(records.len() * columns.len()),
                    _ => values.clear(),
                }
                start = at;
            }
            state.overlay.iter().for_each(|(_, value)| values.push(value));
            state.sent = true;
        }
        self.insert_run(conn, (table, def), records.part(start..records.len()), &columns, &values)
    }

    fn insert_run(
        &self,
        conn: &Conn,
        (table, def): (&Table, &Arc<TableDef>),
        records: Part<Record>,
        columns: &[ColumnId],
        values: &RowBuffer,
    ) -> Result<()> {
        let run = Run::new(table, def, records, columns, values)?;
        if let Some(column) = run.missing_key()? {
            return self.insert_returning(conn, &run, column);
        }
        let mut ids = Vec::new();
        let wanted = run.generated.map(|_| &mut ids);
        let count = run.records.len();
        let done = conn.insert_rows(def, run.positions.clone(), values, count, wanted)?;
        if done != count as u64 || (run.generated.is_some() && ids.len() != count) {
            return Err(miscounted(table, Operation::Insert, count as u64, done));
        }
        let sent: Sent = Some(columns.into());
        if run.is_known(conn.target()) {
            let mut start = 0;
            for block in run.blocks(&ids, conn)? {
                let own = run.records.part(start..start + block.len());
                let given = run.given().from(start);
                start += block.len();
                self.inserted(&own, def, Arc::new(block), (&sent, given))?;
            }
            return Ok(());
        }
        let keys = run.keys(&ids)?;
        let places = self.read_back(conn, table, def, &keys, &sent)?;
        self.inserted_at(&run.records, places, run.given())
    }

    /// Where the database makes a key that only RETURNING tells: row by row.
    fn insert_returning(&self, conn: &Conn, run: &Run<'_>, column: usize) -> Result<()> {
        let width = run.positions.len();
        for at in 0..run.records.len() {
            let named = run.positions.iter().zip(run.values.range(at * width..(at + 1) * width));
            let named = named.filter_map(|(p, value)| Some((run.def.column_at(*p)?.key(), value.to_value())));
            let statement = insert(run.table).values(named.collect::<Vec<_>>()).returning(run.table);
            let done = statement.run(conn)?;
            let Some(row) = done.row() else {
                let key = run.def.column_at(column).map_or("", |c| c.key());
                return Err(no_key_value(run.def, key));
            };
            let sent: Sent = Some(run.columns.into());
            let given = run.given().from(at);
            self.inserted(&run.records.part(at..at + 1), run.def, row.block().clone(), (&sent, given))?;
        }
        Ok(())
    }
}

impl<'r> Run<'r> {
    fn new(
        table: &'r Table,
        def: &'r Arc<TableDef>,
        records: Part<Record>,
        columns: &'r [ColumnId],
        values: &'r RowBuffer,
    ) -> Result<Run<'r>> {
        let positions = positions(def, columns)?;
        let mut given = positions.iter().filter_map(|at| def.column_at(*at));
        given.try_for_each(|column| can_write(def, column))?;
        let generated = def.generated_key().and_then(|key| def.place_of(key.id())).map(|(at, _)| at);
        let generated = generated.filter(|at| !positions.contains(at));
        Ok(Run { def, table, records, columns, positions, values, generated })
    }

    fn given(&self) -> Given<'r> {
        Given { columns: self.columns, values: self.values, width: self.columns.len(), start: 0 }
    }

    /// A column of the key whose value only the server knows.
    fn missing_key(&self) -> Result<Option<usize>> {
        let mut key = crate::batch::key_of(self.def).iter();
        let missing = key.find(|at| !self.positions.contains(at) && self.generated != Some(**at));
        match missing.and_then(|at| Some((*at, self.def.column_at(*at)?))) {
            None => Ok(None),
            Some((at, column)) if column.server_default().is_some() || column.read_only().is_some() => {
                Ok(Some(at))
            }
            Some((_, column)) => Err(no_key_value(self.def, column.key())),
        }
    }

    /// Whether every cell of the new rows is known without asking.
    fn is_known(&self, target: &Target) -> bool {
        let width = self.positions.len();
        self.def.columns().enumerate().all(|(at, column)| {
            match self.positions.iter().position(|p| *p == at) {
                Some(offset) => {
                    let known = |row: usize| target.keeps(self.values.get(row * width + offset), column.ty());
                    (0..self.records.len()).all(known)
                }
                None => {
                    self.generated == Some(at)
                        || (column.server_default().is_none() && !column.is_made_by_server())
                }
            }
        })
    }

    /// The new rows.
    fn blocks(&self, ids: &[i64], conn: &Conn) -> Result<Vec<Block>> {
        let columns = conn.columns_of(self.table, self.def)?;
        let offsets: Vec<Option<usize>> =
            (0..self.def.columns().len()).map(|at| self.positions.iter().position(|p| *p == at)).collect();
        let (width, count) = (self.positions.len(), self.records.len());
        let mut blocks = Vec::new();
        let mut builder = BlockBuilder::new(columns.clone(), count);
        for row in 0..count {
            for (at, offset) in offsets.iter().enumerate() {
                match (offset, ids.get(row)) {
                    (Some(offset), _) => builder.push_ref(self.values.get(row * width + offset)),
                    (None, Some(id)) if self.generated == Some(at) => builder.push_int(*id),
                    _ => builder.push_null(),
                }
            }
            if builder.end_row() {
                blocks.push(
                    std::mem::replace(&mut builder, BlockBuilder::new(columns.clone(), count - row))
                        .close_raw(),
                );
            }
        }
        if !builder.is_empty() {
            blocks.push(builder.close_raw());
        }
        Ok(blocks)
    }

    /// The keys of the new rows.
    fn keys(&self, ids: &[i64]) -> Result<Vec<Vec<Value>>> {
        let width = self.positions.len();
        let key = crate::batch::key_of(self.def);
        if key.is_empty() {
            return Err(crate::load::no_key(self.def));
        }
        let value = |row: usize, at: usize| match self.positions.iter().position(|p| *p == at) {
            Some(offset) => self.values.get(row * width + offset).to_value(),
            None => ids.get(row).map_or(Value::Null, |id| Value::Int(*id)),
        };
        Ok((0..self.records.len()).map(|row| key.iter().map(|at| value(row, *at)).collect()).collect())
    }
}

/// Sorts the values by column. NULL for a key that the database makes says that it is to make one.
pub(super) fn tidy(overlay: &mut Overlay, generated: Option<ColumnId>) {
    if generated.and_then(|id| overlay.get(id)).is_some_and(|value| value.is_null()) {
        overlay.retain(|id, _| Some(id) != generated);
    }
    overlay.sort();
}

fn no_key_value(def: &TableDef, key: &str) -> Error {
    let table = def.display_name();
    let message = format!("`{key}` of `{table}` is part of the key and has no value");
    Error::new(ErrorKind::NotNull, message).with_table(table).with_columns([key])
}
