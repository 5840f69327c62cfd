//! A database that is not there: a dialect for tests that records SQL and answers what it was
//! told to.
//!
//! It is also the smallest dialect there can be, and so the example for writing one: nothing of
//! [`Grammar`] is overridden but what has no default.

use std::any::Any;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::dialect::{
    BindUse, Connection, Connector, Cursor, Dialect, Done, Features, Grammar, Inspector, ObjectKind, Request,
    SchemaFacts, Scope, TableFacts, TypeMap, Url, coerce,
};
use crate::engine::EngineOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{BlockBuilder, ColumnInfo, Columns, RowBuffer};
use crate::schema::{ColumnDef, TableDef};
use crate::types::Type;
use crate::value::Value;

/// A mock database: clones share the log and the answers.
#[derive(Clone, Default)]
pub struct Mock(Arc<State>);

#[derive(Default)]
struct State {
    log: Mutex<Vec<String>>,
    answers: Mutex<VecDeque<Answer>>,
    tables: Mutex<Vec<TableFacts>>,
    features: Mutex<Features>,
    in_transaction: Mutex<bool>,
}

/// What the mock answers to a statement.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Rows of these columns.
    Rows(Vec<&'static str>, Vec<Vec<Value>>),
    /// So many rows changed.
    Changed(u64),
    /// An error.
    Fail(ErrorKind),
}

impl Mock {
    /// A mock with these features, as a dialect that lives as long as the program.
    pub fn leak(features: Features) -> (&'static dyn Dialect, Mock) {
        let mock = Mock::default();
        *mock.0.features.lock() = features;
        (Box::leak(Box::new(mock.clone())), mock)
    }

    /// Queues the answer to the next statement; without one, a statement changes one row.
    pub fn answer(&self, answer: Answer) {
        self.0.answers.lock().push_back(answer);
    }

    /// Puts tables into its catalog.
    pub fn set_tables(&self, tables: Vec<TableFacts>) {
        *self.0.tables.lock() = tables;
    }

    /// The statements so far, and forgets them.
    pub fn sqls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.log.lock())
    }

    fn record(&self, sql: &str) -> Answer {
        self.0.log.lock().push(sql.to_string());
        match sql {
            "BEGIN" => *self.0.in_transaction.lock() = true,
            "COMMIT" | "ROLLBACK" => *self.0.in_transaction.lock() = false,
            _ => {}
        }
        let control = ["BEGIN", "COMMIT", "ROLLBACK"].contains(&sql) || sql.contains("SAVEPOINT");
        let next = if control { None } else { self.0.answers.lock().pop_front() };
        next.unwrap_or(Answer::Changed(1))
    }
}

impl Dialect for Mock {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["mock"]
    }

    fn apply_driver_hacks(&self, _: &Url, options: &mut EngineOptions) -> Result<()> {
        options.fill(EngineOptions::new().size(2).overflow(0));
        Ok(())
    }

    fn connector(&self, _: &Url, _: &EngineOptions) -> Result<Box<dyn Connector>> {
        Ok(Box::new(self.clone()))
    }

    fn features(&self, _: &dyn Connection) -> Result<Features> {
        Ok(self.offline_features())
    }

    fn offline_features(&self) -> Features {
        self.0.features.lock().clone()
    }

    fn grammar(&self) -> &'static dyn Grammar {
        &MockGrammar
    }

    fn types(&self) -> &'static dyn TypeMap {
        &MockTypes
    }

    fn inspector(&self) -> &'static dyn Inspector {
        &MockInspector
    }
}

impl Connector for Mock {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        Ok(Box::new(self.clone()))
    }

    fn describe(&self) -> String {
        "mock".to_string()
    }
}

impl Connection for Mock {
    fn query(
        &self,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        let (names, rows) = match self.record(request.sql) {
            Answer::Rows(names, rows) => (names, rows),
            Answer::Changed(_) => (Vec::new(), Vec::new()),
            Answer::Fail(kind) => return Err(Error::new(kind, "told to fail")),
        };
        let own = || Columns::new(names.into_iter().map(|n| ColumnInfo::new(n, Type::Any)).collect());
        let columns = request.columns.cloned().unwrap_or_else(|| Arc::new(own()));
        body(&mut MockCursor { columns, rows: rows.into_iter() })
    }

    fn execute(&self, request: &Request<'_>) -> Result<Done> {
        match self.record(request.sql) {
            Answer::Changed(rows) => Ok(Done { rows, last_id: Some(1) }),
            Answer::Rows(_, rows) => Ok(Done { rows: rows.len() as u64, last_id: None }),
            Answer::Fail(kind) => Err(Error::new(kind, "told to fail")),
        }
    }

    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        _: &RowBuffer,
        range: Range<usize>,
        ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        let mut rows = 0;
        let mut ids = ids;
        for _ in range.step_by(width.max(1)) {
            rows += self.execute(&Request::new(sql, &[]))?.rows;
            if let Some(ids) = ids.as_deref_mut() {
                ids.push(rows as i64);
            }
        }
        Ok(rows)
    }

    fn script(&self, sql: &str) -> Result<()> {
        self.execute(&Request::new(sql, &[])).map(|_| ())
    }

    fn set_read_only(&self, _: bool) -> Result<()> {
        Ok(())
    }

    fn in_transaction(&self) -> bool {
        *self.0.in_transaction.lock()
    }

    fn reset(&self) -> Result<bool> {
        *self.0.in_transaction.lock() = false;
        Ok(false)
    }

    fn is_alive(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct MockCursor {
    columns: Arc<Columns>,
    rows: std::vec::IntoIter<Vec<Value>>,
}

impl Cursor for MockCursor {
    fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    fn fill(&mut self, block: &mut BlockBuilder) -> Result<bool> {
        for row in self.rows.by_ref() {
            row.into_iter().for_each(|value| block.push_value(value));
            if block.end_row() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

struct MockGrammar;

impl Grammar for MockGrammar {
    fn is_reserved(&self, word: &str) -> bool {
        matches!(word, "select" | "table" | "order" | "user")
    }

    fn inline_key(&self, _: &TableDef, _: &ColumnDef, generated: bool) -> Option<(String, bool)> {
        generated.then(|| ("GENERATED BY DEFAULT AS IDENTITY".to_string(), false))
    }
}

struct MockTypes;

impl TypeMap for MockTypes {
    fn ddl(&self, ty: &Type) -> Result<String> {
        match ty {
            Type::Array(_) => Err(Error::unsupported("array columns", "mock")),
            other => Ok(other.to_string()),
        }
    }

    fn parse(&self, declared: &str) -> Type {
        Type::Other(declared.into())
    }

    fn bind(&self, value: Value, ty: &Type, to: BindUse) -> Result<Value> {
        match to {
            BindUse::Store => coerce(value, ty),
            BindUse::Compare => Ok(value),
        }
    }
}

struct MockInspector;

impl MockInspector {
    fn tables(connection: &dyn Connection) -> Vec<TableFacts> {
        let mock = connection.as_any().downcast_ref::<Mock>();
        mock.map(|mock| mock.0.tables.lock().clone()).unwrap_or_default()
    }
}

impl Inspector for MockInspector {
    fn default_schema(&self, _: &dyn Connection) -> Result<String> {
        Ok("main".to_string())
    }

    fn schemas(&self, _: &dyn Connection) -> Result<Vec<String>> {
        Ok(vec!["main".to_string()])
    }

    fn names(&self, connection: &dyn Connection, _: Option<&str>) -> Result<Vec<(String, ObjectKind)>> {
        Ok(Self::tables(connection).into_iter().map(|t| (t.name, t.kind)).collect())
    }

    fn fingerprint(&self, connection: &dyn Connection, _: Option<&str>) -> Result<String> {
        Ok(format!("{}", Self::tables(connection).len()))
    }

    fn facts(&self, connection: &dyn Connection, _: &Scope) -> Result<SchemaFacts> {
        Ok(SchemaFacts { tables: Self::tables(connection), ..SchemaFacts::default() })
    }
}
