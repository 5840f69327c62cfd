//! The MySQL driver: connections and their settings, statements, transactions' state.
//!
//! Not here: URLs (`location`), values (`values`), rows that come as they are asked for (`stream`),
//! codes (`errors`).

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell as Flag, RefCell, RefMut};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use mirrorm_core::dialect::{Connection, Connector, Cursor, Done, Request};
use mirrorm_core::rows::{BlockBuilder, ColumnInfo, Columns, RowBuffer};
use mirrorm_core::types::Type;
use mirrorm_core::{Error, ErrorKind, Result, Value};
use mysql::prelude::{Protocol, Queryable};
use mysql::{Column, QueryResult, Row, Value as Raw};

use super::errors::{from_connecting, from_driver};
use super::kinds::Kinds;
use super::location::{Location, Settings};
use super::stream::Streams;
use super::values::{Cell, name_of, offset_of, param};
use crate::words::{self, Effect};

/// Opens connections to one location.
pub(super) struct Opener {
    pub(super) location: Location,
}

impl Opener {
    /// Opens a connection; without TLS where that was only preferred, and the two cannot agree on it.
    fn open(&self) -> std::result::Result<mysql::Conn, mysql::Error> {
        let options = self.location.opts();
        #[cfg(feature = "mysql-tls")]
        if self.location.tls.mode == crate::tls::Mode::Prefer {
            return mysql::Conn::new(options.clone()).or_else(|error| match has_no_tls(&error) {
                true => mysql::Conn::new(options.ssl_opts(None)),
                false => Err(error),
            });
        }
        mysql::Conn::new(options)
    }
}

#[cfg(feature = "mysql-tls")]
fn has_no_tls(error: &mysql::Error) -> bool {
    match error {
        mysql::Error::DriverError(mysql::DriverError::TlsNotSupported) => true,
        mysql::Error::IoError(error) => crate::tls::is_refusal(error),
        _ => false,
    }
}

impl Connector for Opener {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        let mut raw = self.open().map_err(from_connecting)?;
        let found = Found::ask(&mut raw).map_err(from_connecting)?;
        let set_up = set_up(&self.location.settings, &found)?;
        set_up.iter().try_for_each(|sql| raw.query_drop(sql)).map_err(from_driver)?;
        let zone = self.location.settings.time_zone.as_deref().unwrap_or(&found.zone);
        Ok(Box::new(MySqlConnection {
            zone: Flag::new(offset_of(zone, &found.system_zone)),
            own_zone: offset_of(zone, &found.system_zone),
            set_up,
            database: self.location.database.clone(),
            rolls_back_late: found.rolls_back_late,
            raw: RefCell::new(Some(raw)),
            effects: RefCell::new(LruCache::new(NonZeroUsize::MIN.saturating_add(255))),
            kinds: (!found.is_mariadb).then(Kinds::default),
            in_transaction: Flag::new(false),
            touched: Flag::new(false),
            reads_only: Flag::new(false),
            refuses_writes: Flag::new(false),
            limit: Flag::new(None),
            streams: Streams::default(),
        }))
    }

    fn describe(&self) -> String {
        self.location.shown.clone()
    }
}

/// What a session has before we set anything.
struct Found {
    sql_mode: String,
    zone: String,
    system_zone: String,
    is_mariadb: bool,
    /// Waiting too long for a lock rolls the whole transaction back, not only the statement.
    rolls_back_late: bool,
}

impl Found {
    fn ask(raw: &mut mysql::Conn) -> std::result::Result<Found, mysql::Error> {
        let sql =
            "SELECT @@sql_mode, @@time_zone, @@system_time_zone, VERSION(), @@innodb_rollback_on_timeout";
        let row: Option<(String, String, String, String, i64)> = raw.query_first(sql)?;
        let (sql_mode, zone, system_zone, version, late) = row.unwrap_or_default();
        let is_mariadb = super::is_mariadb(&version);
        Ok(Found { sql_mode, zone, system_zone, is_mariadb, rolls_back_late: late == 1 })
    }
}

/// The statements that make a session ours.
fn set_up(settings: &Settings, found: &Found) -> Result<Vec<String>> {
    // Texts that are put together would be cut without a word.
    let mut sets = vec![format!("SET NAMES {}, SESSION group_concat_max_len = 4294967295", settings.charset)];
    let mut modes: Vec<&str> = match &settings.sql_mode {
        Some(mode) => mode.split(',').collect(),
        None => found.sql_mode.split(',').collect(),
    };
    modes.retain(|mode| !mode.trim().is_empty());
    if settings.sql_mode.is_none() {
        let strict = modes.iter().any(|mode| mode.starts_with("STRICT_"));
        modes.extend((!strict).then_some("STRICT_TRANS_TABLES"));
        // Without it a key of 0 that the program gave is another one that the server made.
        modes.extend((!modes.contains(&"NO_AUTO_VALUE_ON_ZERO")).then_some("NO_AUTO_VALUE_ON_ZERO"));
    }
    if settings.zero_dates {
        modes.retain(|mode| !["NO_ZERO_DATE", "NO_ZERO_IN_DATE", "TRADITIONAL"].contains(mode));
    }
    let mode = modes.join(",");
    if mode != found.sql_mode {
        sets.push(format!("SET SESSION sql_mode = '{}'", plain("sql_mode", &mode)?));
    }
    if let Some(zone) = &settings.time_zone {
        sets.push(format!("SET SESSION time_zone = '{}'", plain("time_zone", zone)?));
    }
    if let Some(wait) = settings.lock_timeout {
        let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
        sets.push(format!(
            "SET SESSION innodb_lock_wait_timeout = {seconds}, SESSION lock_wait_timeout = {seconds}"
        ));
    }
    if let Some(most) = settings.statement_timeout {
        let (name, value) = time_limit(most, found.is_mariadb);
        sets.push(format!("SET SESSION {name} = {value}"));
    }
    if settings.read_only {
        sets.push("SET SESSION TRANSACTION READ ONLY".to_string());
    }
    Ok(sets)
}

/// The name of the setting for how long statements may take, and its value; zero is any time
/// (dev.mysql.com/doc/refman/en/server-system-variables.html, `max_execution_time`; mariadb.com/kb/en/
/// aborting-statements).
fn time_limit(most: Duration, is_mariadb: bool) -> (&'static str, String) {
    let name = if is_mariadb { "max_statement_time" } else { "max_execution_time" };
    let value = match most {
        Duration::ZERO => "0".to_string(),
        _ if is_mariadb => format!("{:.6}", most.as_secs_f64().clamp(0.000_001, 31_536_000.0)),
        _ => most.as_millis().clamp(1, u128::from(u32::MAX)).to_string(),
    };
    (name, value)
}

/// A setting that can stand between apostrophes.
fn plain<'v>(name: &str, value: &'v str) -> Result<&'v str> {
    let fits = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_,/+-: ".contains(&b));
    if fits {
        Ok(value)
    } else {
        Err(Error::new(ErrorKind::Config, format!("`{name}={value}` is no setting")))
    }
}

/// A connection to a server.
pub(super) struct MySqlConnection {
    /// None while a stream has it.
    pub(super) raw: RefCell<Option<mysql::Conn>>,
    /// What the statements that come again do.
    effects: RefCell<LruCache<Box<str>, Effect>>,
    /// What kinds of values texts were prepared for; none on MariaDB, which takes any.
    pub(super) kinds: Option<Kinds>,
    set_up: Vec<String>,
    /// The database it began in, which a reset does not go back to.
    database: Option<String>,
    /// The offset of the session's time zone, if it is one.
    pub(super) zone: Flag<Option<i32>>,
    own_zone: Option<i32>,
    rolls_back_late: bool,
    /// How long statements may take, where that is not what the session's settings say.
    limit: Flag<Option<Duration>>,
    in_transaction: Flag<bool>,
    /// Whether something was left in the session that the next user must not find.
    touched: Flag<bool>,
    /// Whether the transaction was begun as one that only reads.
    reads_only: Flag<bool>,
    /// Whether writes are refused here, because the server cannot be told to any more.
    refuses_writes: Flag<bool>,
    pub(super) streams: Streams,
}

impl MySqlConnection {
    /// The driver's connection, for the way out.
    pub(super) fn raw<T>(&self, work: impl FnOnce(&mut mysql::Conn) -> T) -> Option<T> {
        self.touched.set(true);
        self.lent().ok().and_then(|mut raw| raw.as_mut().map(work))
    }

    fn lent(&self) -> Result<RefMut<'_, Option<mysql::Conn>>> {
        self.raw.try_borrow_mut().map_err(|_| Error::new(ErrorKind::Busy, "the connection is in use"))
    }

    /// What a statement does, and whether it may be sent now.
    pub(super) fn effect(&self, request: &Request<'_>) -> Result<Effect> {
        self.streams.settle(self)?;
        let known = self.effects.borrow_mut().get(request.sql).copied();
        let effect = known.unwrap_or_else(|| words::effect(request.sql));
        if known.is_none() && request.keep {
            self.effects.borrow_mut().put(request.sql.into(), effect);
        }
        let ends = matches!(effect, Effect::Schema | Effect::Locks)
            || (effect == Effect::Begin && !words::chains(request.sql));
        if ends && self.in_transaction.get() {
            let message = "the statement would commit the transaction that is open: end it first";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let writes = matches!(effect, Effect::None | Effect::Schema) && words::may_write(request.sql);
        if self.refuses_writes.get() && writes {
            return Err(Error::new(ErrorKind::ReadOnly, "the transaction only reads"));
        }
        Ok(effect)
    }

    /// Sends something.
    fn send<T>(
        &self,
        effect: Effect,
        work: impl FnOnce(&mut mysql::Conn) -> std::result::Result<T, mysql::Error>,
    ) -> Result<T> {
        let mut raw = self.lent()?;
        let raw = raw.as_mut().ok_or_else(|| Error::new(ErrorKind::Disconnected, "closed"))?;
        let done = self.noted(effect, work(raw));
        self.settled(raw, done)
    }

    /// Rolls back what the server may have left of a transaction that it ended: nothing must be done in
    /// it as if it were none.
    fn settled<T>(&self, raw: &mut mysql::Conn, done: Result<T>) -> Result<T> {
        if done.as_ref().is_err_and(|error| self.is_whole(error)) {
            self.in_transaction.set(false);
            let _ = raw.query_drop("ROLLBACK");
        }
        done
    }

    /// Keeps account of what a statement did to the session.
    pub(super) fn noted<T>(&self, effect: Effect, result: std::result::Result<T, mysql::Error>) -> Result<T> {
        match result {
            Ok(value) => {
                match effect {
                    Effect::Begin => self.in_transaction.set(true),
                    Effect::Commit | Effect::Rollback => self.in_transaction.set(false),
                    Effect::Session | Effect::Names | Effect::Locks => {
                        self.touched.set(true);
                        // Whatever was set may have been the time zone.
                        self.zone.set(None);
                    }
                    _ => {}
                }
                Ok(value)
            }
            Err(error) => {
                let error = from_driver(error);
                if self.is_whole(&error) {
                    self.in_transaction.set(false);
                }
                Err(error)
            }
        }
    }

    /// Whether the server has rolled the whole transaction back (dev.mysql.com/doc/refman/en/
    /// innodb-error-handling.html; mariadb.com/kb/en/innodb-system-variables, innodb_snapshot_isolation).
    fn is_whole(&self, error: &Error) -> bool {
        matches!(error.kind(), ErrorKind::Deadlock | ErrorKind::Serialization)
            || (error.kind() == ErrorKind::Busy && self.rolls_back_late)
    }

    fn simple(&self, sql: &str) -> Result<()> {
        let effect = self.effect(&Request { keep: false, ..Request::new(sql, &[]) })?;
        self.send(effect, |raw| raw.query_drop(sql))
    }

    /// The text to prepare for these values.
    pub(super) fn text_for<'s>(&self, sql: &'s str, params: &[Raw]) -> Cow<'s, str> {
        self.kinds.as_ref().map_or(Cow::Borrowed(sql), |kinds| kinds.text(sql, params))
    }

    pub(super) fn params(&self, values: &[Value]) -> Result<Vec<Raw>> {
        values.iter().map(|value| param(value.as_ref(), self.zone.get())).collect()
    }
}

/// Whether a statement has to be sent as text: it gives no rows worth preparing for, or cannot be
/// prepared (dev.mysql.com/doc/refman/en/sql-prepared-statements.html).
fn as_text(request: &Request<'_>, effect: Effect) -> bool {
    request.params.is_empty() && (!request.keep || effect != Effect::None)
}

/// Parameters as the driver takes them.
pub(super) fn positional(params: Vec<Raw>) -> mysql::Params {
    if params.is_empty() { mysql::Params::Empty } else { mysql::Params::Positional(params) }
}

/// The columns of a result: how they are read, and those the caller knows or the server's.
pub(super) fn described(found: &[Column], known: Option<&Arc<Columns>>) -> Result<(Vec<Cell>, Arc<Columns>)> {
    let cells: Vec<Cell> = found.iter().map(Cell::of).collect();
    match known {
        Some(columns) if columns.len() == found.len() => Ok((cells, columns.clone())),
        Some(columns) => {
            let message = format!(
                "the statement gives {} columns, not the {} it names: `raw` is one column each",
                found.len(),
                columns.len()
            );
            Err(Error::new(ErrorKind::Invalid, message))
        }
        None => {
            let named = found.iter().map(|column| ColumnInfo::new(name_of(column), Type::Any));
            Ok((cells, Arc::new(Columns::new(named.collect()))))
        }
    }
}

/// Adds a row to a block; whether the block is full.
pub(super) fn push_row(
    row: &Row,
    (cells, columns): (&[Cell], &Columns),
    zone: Option<i32>,
    block: &mut BlockBuilder,
) -> bool {
    for (at, (cell, column)) in cells.iter().zip(columns.iter()).enumerate() {
        match row.as_ref(at) {
            Some(raw) => cell.push(raw, column.class(), zone, block),
            None => block.push_null(),
        }
    }
    block.end_row()
}

/// Rows as the driver reads them. Nothing else is sent until they are read.
struct Live<'r, 'a, 'b, 'c, P: Protocol> {
    result: &'r mut QueryResult<'a, 'b, 'c, P>,
    cells: Vec<Cell>,
    columns: Arc<Columns>,
    zone: Option<i32>,
}

impl<P: Protocol> Cursor for Live<'_, '_, '_, '_, P> {
    fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    fn fill(&mut self, block: &mut BlockBuilder) -> Result<bool> {
        for row in self.result.by_ref() {
            let row = row.map_err(from_driver)?;
            if push_row(&row, (&self.cells, &self.columns), self.zone, block) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Lends the rows of a result that has begun.
fn lend<P: Protocol>(
    mut result: QueryResult<'_, '_, '_, P>,
    known: Option<&Arc<Columns>>,
    zone: Option<i32>,
    gives_nothing: bool,
    body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
) -> Result<()> {
    if gives_nothing && result.columns().as_ref().is_empty() {
        let columns = known.cloned().unwrap_or_default();
        return body(&mut Live { result: &mut result, cells: Vec::new(), columns, zone });
    }
    let (cells, columns) = described(result.columns().as_ref(), known)?;
    let done = body(&mut Live { result: &mut result, cells, columns, zone });
    // What nobody reads may fail as well.
    done.and(drain(&mut result).map(drop).map_err(from_driver))
}

/// Reads what is left of a result and of those behind it; how many rows there were.
fn drain<P: Protocol>(result: &mut QueryResult<'_, '_, '_, P>) -> std::result::Result<u64, mysql::Error> {
    let mut rows = 0;
    while let Some(mut set) = result.iter() {
        set.try_for_each(|row| row.map(|_| rows += 1))?;
    }
    Ok(rows)
}

/// What a statement did that gives no rows worth reading: what it changed, the key it made.
fn finished<P: Protocol>(
    mut result: QueryResult<'_, '_, '_, P>,
) -> std::result::Result<(u64, Option<u64>), mysql::Error> {
    let (rows, id, plain) =
        (result.affected_rows(), result.last_insert_id(), result.columns().as_ref().is_empty());
    let read = drain(&mut result)?;
    Ok((if plain { rows } else { read }, id))
}

impl Connection for MySqlConnection {
    fn query(
        &self,
        request: &Request<'_>,
        body: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        let effect = self.effect(request)?;
        let params = self.params(request.params)?;
        if request.stream && words::is_query(request.sql) {
            return self.streams.query(self, request, params, body);
        }
        // MariaDB sends no columns for what is written and given back where no row can meet the condition.
        let nothing = words::may_write(request.sql);
        let mut raw = self.lent()?;
        let raw = raw.as_mut().ok_or_else(|| Error::new(ErrorKind::Disconnected, "closed"))?;
        let done = if as_text(request, effect) {
            let result = self.noted(effect, raw.query_iter(request.sql))?;
            lend(result, request.columns, self.zone.get(), nothing, body)
        } else {
            let statement = self.noted(Effect::None, raw.prep(self.text_for(request.sql, &params)))?;
            let result = self.noted(effect, raw.exec_iter(statement, positional(params)))?;
            lend(result, request.columns, self.zone.get(), nothing, body)
        };
        // The server may end the transaction while rows are on their way.
        self.settled(raw, done)
    }

    fn execute(&self, request: &Request<'_>) -> Result<Done> {
        let effect = self.effect(request)?;
        let params = self.params(request.params)?;
        let done = self.send(effect, |raw| {
            let (rows, id) = if as_text(request, effect) {
                finished(raw.query_iter(request.sql)?)?
            } else {
                let statement = raw.prep(self.text_for(request.sql, &params))?;
                finished(raw.exec_iter(statement, positional(params))?)?
            };
            Ok(Done { rows, last_id: id.filter(|id| *id > 0).and_then(|id| i64::try_from(id).ok()) })
        })?;
        let leaves = match effect {
            // The mode of the next transaction; its isolation is what we say ourselves.
            Effect::Savepoint => {
                let said = request.sql.to_ascii_uppercase();
                said.contains("SET TRANSACTION") && said.contains("READ ")
            }
            effect => as_text(request, effect) && words::is_several(request.sql),
        };
        if leaves {
            self.touched.set(true);
        }
        if effect == Effect::Begin {
            self.reads_only.set(request.sql.contains("READ ONLY"));
        }
        Ok(done)
    }

    fn execute_many(
        &self,
        sql: &str,
        width: usize,
        values: &RowBuffer,
        range: Range<usize>,
        mut ids: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        let effect = self.effect(&Request::new(sql, &[]))?;
        let mut statement = None;
        let mut count = 0;
        for start in range.step_by(width.max(1)) {
            let params = values.range(start..start + width).map(|value| param(value, self.zone.get()));
            let params: Vec<Raw> = params.collect::<Result<_>>()?;
            let text = self.text_for(sql, &params);
            let statement = match &statement {
                Some((known, statement)) if *known == text => statement,
                _ => {
                    let made = self.send(Effect::None, |raw| raw.prep(&text))?;
                    &statement.insert((text, made)).1
                }
            };
            let (rows, made) = self.send(effect, |raw| {
                let mut result = raw.exec_iter(statement, positional(params))?;
                if result.columns().as_ref().is_empty() {
                    let last = result.last_insert_id().map(|id| Some(Raw::UInt(id)));
                    return Ok((result.affected_rows(), Vec::from_iter(last)));
                }
                let returned = result.by_ref().map(|row| Ok(row?.as_ref(0).cloned()));
                let made: Vec<Option<Raw>> = returned.collect::<std::result::Result<_, mysql::Error>>()?;
                Ok((made.len() as u64, made))
            })?;
            count += rows;
            if let Some(ids) = ids.as_deref_mut() {
                let made = if rows > 0 { made } else { Vec::new() };
                let before = ids.len();
                ids.extend(made.iter().filter_map(key_of));
                if ids.len() == before {
                    return Err(left_out());
                }
            }
        }
        Ok(count)
    }

    fn script(&self, sql: &str) -> Result<()> {
        self.streams.settle(self)?;
        self.touched.set(true);
        self.zone.set(None);
        let mut raw = self.lent()?;
        let raw = raw.as_mut().ok_or_else(|| Error::new(ErrorKind::Disconnected, "closed"))?;
        let ended = words::has_transactions(sql) || words::changes_schema(sql);
        if ended && self.in_transaction.get() {
            let message = "a script that may end the transaction cannot run inside it";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.noted(Effect::None, raw.query_iter(sql).and_then(|mut result| drain(&mut result).map(drop)))
    }

    /// A transaction that only reads mostly says so when it begins; one that is open cannot be told to
    /// any more, so writes are refused here.
    fn set_read_only(&self, read_only: bool) -> Result<()> {
        let says_so = self.reads_only.replace(read_only);
        self.refuses_writes.set(read_only && !says_so);
        Ok(())
    }

    /// What the setting was before is kept in the session, too: it may be the user's.
    fn set_time_limit(&self, limit: Option<Duration>) -> Result<()> {
        if self.limit.get() == limit {
            return Ok(());
        }
        let (name, value) = time_limit(limit.unwrap_or_default(), self.kinds.is_none());
        let sql = match (self.limit.get(), limit) {
            (None, _) => format!("SET @mirrorm_usual = @@SESSION.{name}, SESSION {name} = {value}"),
            (Some(_), Some(_)) => format!("SET SESSION {name} = {value}"),
            (Some(_), None) => format!("SET SESSION {name} = @mirrorm_usual"),
        };
        self.streams.settle(self)?;
        self.send(Effect::None, |raw| raw.query_drop(sql))?;
        self.limit.set(limit);
        Ok(())
    }

    fn in_transaction(&self) -> bool {
        self.in_transaction.get()
    }

    fn reset(&self) -> Result<bool> {
        self.streams.settle(self)?;
        self.streams.forget();
        self.refuses_writes.set(false);
        if self.in_transaction.get() {
            self.simple("ROLLBACK")?;
        }
        let touched = self.touched.replace(false);
        if touched {
            self.limit.set(None);
            self.zone.set(self.own_zone);
            self.send(Effect::None, |raw| {
                raw.reset()?;
                self.database.iter().try_for_each(|name| raw.select_db(name))?;
                self.set_up.iter().try_for_each(|sql| raw.query_drop(sql))
            })?;
        } else {
            self.set_time_limit(None)?;
        }
        Ok(touched)
    }

    /// What was set may have been the time zone, without which no instant can be read.
    fn adopt(&self) {
        if self.touched.replace(false) {
            let sql = "SELECT @@time_zone, @@system_time_zone";
            let asked = self.send(Effect::None, |raw| raw.query_first::<(String, String), _>(sql));
            let zone = asked.ok().flatten();
            self.zone.set(zone.and_then(|(zone, system)| offset_of(&zone, &system)));
        }
    }

    fn is_alive(&self) -> bool {
        self.send(Effect::None, mysql::Conn::ping).is_ok()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A key that the server made; zero is none.
fn key_of(raw: &Option<Raw>) -> Option<i64> {
    match raw {
        Some(Raw::Int(id)) => Some(*id),
        Some(Raw::UInt(id)) => i64::try_from(*id).ok(),
        _ => None,
    }
    .filter(|id| *id != 0)
}

/// The error of a row that has no key, because the statement left it out.
fn left_out() -> Error {
    Error::new(ErrorKind::Unique, "a row was left out by IGNORE or a trigger, so it has no key to give")
}
