//! Tables of a sqlite database, as `mirrorm inspect --format rust` prints them.
//!
//! `create_all` makes tables only; these have to be there before:
//! - virtual table ft
//! - view v

use mirrorm::prelude::*;
use mirrorm::schema::{Autoincrement, IndexElement, Reference, Setting, TableKind};

/// The tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `Weird "Name`.
    pub weird_name: Table,
    /// `child`.
    pub child: Table,
    /// `defaults`.
    pub defaults: Table,
    /// `fkbad`.
    pub fkbad: Table,
    /// `ft`.
    pub ft: Table,
    /// `inline_names`.
    pub inline_names: Table,
    /// `notnullpk`.
    pub notnullpk: Table,
    /// `nullpk`.
    pub nullpk: Table,
    /// `o'brien`.
    pub o_brien: Table,
    /// `parent`.
    pub parent: Table,
    /// `phantom`.
    pub phantom: Table,
    /// `pk2`.
    pub pk2: Table,
    /// `two_generated`.
    pub two_generated: Table,
    /// `v`.
    pub v: Table,
    /// `wr`.
    pub wr: Table,
}

impl Tables {
    /// Defines the tables in `db`, and sends nothing to the database.
    pub fn define(db: &Db) -> Result<Tables> {
        Ok(Tables {
            weird_name: Tables::weird_name(db)?,
            child: Tables::child(db)?,
            defaults: Tables::defaults(db)?,
            fkbad: Tables::fkbad(db)?,
            ft: Tables::ft(db)?,
            inline_names: Tables::inline_names(db)?,
            notnullpk: Tables::notnullpk(db)?,
            nullpk: Tables::nullpk(db)?,
            o_brien: Tables::o_brien(db)?,
            parent: Tables::parent(db)?,
            phantom: Tables::phantom(db)?,
            pk2: Tables::pk2(db)?,
            two_generated: Tables::two_generated(db)?,
            v: Tables::v(db)?,
            wr: Tables::wr(db)?,
        })
    }

    fn weird_name(db: &Db) -> Result<Table> {
        db.table("Weird \"Name", (
            column("Col x", Integer).primary_key().nullable(),
            column("br", Text),
            column("bt", Text).unique(),
        ))
    }

    fn child(db: &Db) -> Result<Table> {
        db.table("child", (
            column("a", Integer).declared("sqlite", "INT").nullable(),
            column("b", Text).nullable().server_default(raw("'x''y'")),
            column("c", Numeric(10, 2))
                .declared("sqlite", "DECIMAL(10,2)")
                .server_default(raw("1+2")),
            column("d", Double).declared("sqlite", "DOUBLE PRECISION"),
            column("e", Type::Any),
            column("f", Boolean).server_default(raw("1")),
            column("g", Timestamp).server_default(raw("CURRENT_TIMESTAMP")),
            column("h", Varchar(20)),
            column("i", Integer).references("parent.id"),
            column("j", Integer),
            column("k", Integer).computed(raw("a * 2"), true),
            column("l", Text).computed(raw("b || ',' || a"), false),
            column("m", BigInteger).declared("sqlite", "UNSIGNED BIG INT"),
            column("n", Type::Other("weird type".into())),
            column("o", Binary),
            column("p", Json),
            primary_key(["b", "a"]).named("pk_child"),
            unique(["a", "h"])
                .named("uq1")
                .option("sqlite", "on_conflict", "IGNORE"),
            unique(["d"]),
            check(raw("h <> ')'")),
            check(raw("a > 0")),
            foreign_key(["j"], Reference::columns("parent", ["id"]))
                .named("fkj")
                .on_delete(Action::Cascade)
                .on_update(Action::SetNull)
                .deferrable(true, true),
            foreign_key(["i"], Reference::columns("parent", ["id"]))
                .named("fk_named")
                .on_delete(Action::SetNull),
            index([IndexElement::column("a").desc(), IndexElement::column("b").collate("NOCASE")])
                .named("ix_desc"),
            index([IndexElement::expr(raw("lower(b)")), IndexElement::column("a")])
                .named("ix_expr"),
            index(["a"]).named("ix_part").filter(raw("a > 5")),
            index(["c"]).named("ux").unique(),
        ))
    }

    fn defaults(db: &Db) -> Result<Table> {
        db.table("defaults", (
            column("a", Text).server_default(raw("'O''Brien'")),
            column("b", Text).server_default(raw("'007'")),
            column("c", Text).server_default(raw("lower('X')")),
            column("d", Numeric(20, 10))
                .declared("sqlite", "NUMERIC(20,10)")
                .server_default(raw("0.1234567890123")),
            column("e", Binary).server_default(raw("x'00ff'")),
            column("f", Integer)
                .declared("sqlite", "INT")
                .server_default(raw("+5")),
            column("g", Text).server_default(raw("'AUTOINCREMENT'")),
            column("h", Integer).primary_key().nullable(),
        ))
    }

    fn fkbad(db: &Db) -> Result<Table> {
        db.table("fkbad", (
            column("id", Integer).primary_key().nullable(),
            column("x", Type::Any).references("nosuch"),
        ))
    }

    fn ft(db: &Db) -> Result<Table> {
        db.table("ft", (
            column("title", Type::Any),
            column("body", Type::Any),
            Setting::Kind(TableKind::Virtual(Some("CREATE VIRTUAL TABLE ft USING fts5(title, body)".into()))),
        ))
    }

    fn inline_names(db: &Db) -> Result<Table> {
        db.table("inline_names", (
            column("a", Varchar(10)).unique(),
            column("b", Integer).declared("sqlite", "INT"),
            column("c", Text),
            column("Camel Case", Text),
            unique(["b"]).named("cu"),
            unique(["a", "b"]).named("brk name"),
            unique(["Camel Case"]),
            index([IndexElement::column("b").desc()])
                .named("ix_desc_partial")
                .filter(raw("c IS NOT NULL")),
            index([IndexElement::expr(raw("lower(c)"))])
                .named("ix_lower")
                .unique()
                .filter(raw("b > 5")),
        ))
    }

    fn notnullpk(db: &Db) -> Result<Table> {
        db.table("notnullpk", (
            column("id", Integer),
            column("r", Double).declared("sqlite", "REAL"),
            primary_key(["id"]).option("sqlite", "columns", "(id DESC)"),
        ))
    }

    fn nullpk(db: &Db) -> Result<Table> {
        db.table("nullpk", (
            column("id", Text).primary_key().nullable(),
            column("z", Type::Any),
        ))
    }

    fn o_brien(db: &Db) -> Result<Table> {
        db.table("o'brien", (
            column("id", Integer).primary_key().nullable(),
            column("d\"e", Text),
            column("q", Integer).declared("sqlite", "INT"),
            column("a", BigInteger).declared("sqlite", "LONG LONG INT UNSIGNED (10)"),
            column("key", Text),
            column("action", Text),
            column("replace", Text)
                .not_null()
                .option("sqlite", "on_conflict", "REPLACE"),
        ))
    }

    fn parent(db: &Db) -> Result<Table> {
        db.table("parent", (
            column("id", Integer)
                .primary_key()
                .nullable()
                .autoincrement(Autoincrement::Always)
                .option("sqlite", "autoincrement", true),
            column("code", Varchar(10))
                .not_null()
                .unique()
                .collate("NOCASE"),
            check(raw("length(code) > (1)")).named("ck one"),
        ))
    }

    fn phantom(db: &Db) -> Result<Table> {
        db.table("phantom", (
            column("z", Text).server_default(raw("'CHECK (z)'")),
            column("w", Integer).declared("sqlite", "INT"),
            check(raw("w > 0")),
        ))
    }

    fn pk2(db: &Db) -> Result<Table> {
        db.table("pk2", (
            column("b", Integer).declared("sqlite", "INT"),
            column("a", Integer).declared("sqlite", "INT"),
            primary_key(["a", "b"]),
            option("sqlite", "without_rowid", true),
        ))
    }

    fn two_generated(db: &Db) -> Result<Table> {
        db.table("two_generated", (
            column("a", Integer).declared("sqlite", "INT"),
            column("b", Integer)
                .declared("sqlite", "INT")
                .computed(raw("a + 1"), true),
            column("c", Integer)
                .declared("sqlite", "INT")
                .computed(raw("a * 2"), false),
        ))
    }

    fn v(db: &Db) -> Result<Table> {
        db.table("v", (
            column("a", Integer).declared("sqlite", "INT"),
            column("lb", Type::Any),
            column("cnt", Type::Any),
            Setting::Kind(TableKind::View(Some("CREATE VIEW v AS SELECT a, lower(b) lb, count(*) cnt FROM child group by 1,2".into()))),
        ))
    }

    fn wr(db: &Db) -> Result<Table> {
        db.table("wr", (
            column("k", Text).primary_key(),
            column("v", Type::Any).declared("sqlite", "ANY"),
            option("sqlite", "strict", true),
            option("sqlite", "without_rowid", true),
        ))
    }
}
