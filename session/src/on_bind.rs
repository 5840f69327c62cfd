//! A session seen from one of its databases: for raw SQL, and for statements that are told where to
//! go.

use std::fmt;

use mirrorm_core::Result;
use mirrorm_core::engine::{Conn, Execute, IntoParams, Lent, Writing, mark};
use mirrorm_core::rows::Rows;
use mirrorm_core::stmt::Tables;

use crate::engines::Target;
use crate::session::Session;

/// The transaction of a session with one database: statements run on it go there, whatever bind
/// their tables have.
#[derive(Clone, Copy)]
pub struct OnBind<'s> {
    session: &'s Session,
    bind: Option<&'s str>,
}

impl<'s> OnBind<'s> {
    pub(crate) fn new(session: &'s Session, bind: Option<&'s str>) -> OnBind<'s> {
        OnBind { session, bind }
    }

    /// Runs SQL that returns no rows, after a flush. What it writes is not reported.
    ///
    /// # Errors
    /// As [`Session::flush`]; `Config` for a bind that is not configured; the database's.
    #[track_caller]
    pub fn execute(&self, sql: &str, params: impl IntoParams) -> Result<u64> {
        let _caller = mark();
        let params = params.into_params();
        self.raw(|conn| conn.execute(sql, params))
    }

    /// Runs SQL that returns rows, after a flush.
    ///
    /// # Errors
    /// As [`OnBind::execute`].
    #[track_caller]
    pub fn query_text(&self, sql: &str, params: impl IntoParams) -> Result<Rows> {
        let _caller = mark();
        let params = params.into_params();
        self.raw(|conn| conn.query_text(sql, params))
    }

    /// Runs several statements separated by semicolons, after a flush.
    ///
    /// # Errors
    /// As [`OnBind::execute`].
    #[track_caller]
    pub fn execute_script(&self, sql: &str) -> Result<()> {
        let _caller = mark();
        self.raw(|conn| conn.execute_script(sql))
    }

    fn raw<T>(&self, run: impl FnOnce(&Conn) -> Result<T>) -> Result<T> {
        let verb = self.session.inner().verb()?;
        verb.autoflush()?;
        let at = verb.inner.engines()?.position(self.bind)?;
        let result = run(&*verb.writing(at)?);
        let mut core = verb.core()?;
        core.epochs.forget();
        // It may have been a write for all we know.
        core.routes.has_written = true;
        result
    }
}

impl Execute for OnBind<'_> {
    fn lend(&self) -> Result<Lent<'_>> {
        self.session.lend_at(Target::Bind(self.bind))
    }

    fn lend_for(&self, _: &dyn Tables) -> Result<Lent<'_>> {
        self.lend()
    }

    fn write(&self, what: &Writing<'_>, body: &mut dyn FnMut(&Conn) -> Result<u64>) -> Result<()> {
        self.session.write_at(Target::Bind(self.bind), what, body)
    }
}

impl fmt::Debug for OnBind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} on {}", self.session, self.bind.unwrap_or("default"))
    }
}
