//! Tables of a postgresql database, as `mirrorm inspect --format rust` prints them.
//!
//! `create_all` makes tables only; these have to be there before:
//! - domain em
//! - domain posint
//! - sequence idref_sErial_seq
//! - sequence parent_id_seq
//! - sequence sq
//! - materialized view mv
//! - view v

use mirrorm::prelude::*;
use mirrorm::dialect::IdentityFacts;
use mirrorm::schema::{Autoincrement, IndexElement, Reference, Setting, TableKind, verbatim};
use mirrorm::types::EnumType;
use mirrorm::value::Array;
use std::sync::Arc;

/// The tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `big`.
    pub big: Table,
    /// `dropped`.
    pub dropped: Table,
    /// `idref`.
    pub idref: Table,
    /// `inh`.
    pub inh: Table,
    /// `mv`.
    pub mv: Table,
    /// `nocols`.
    pub nocols: Table,
    /// `parent`.
    pub parent: Table,
    /// `part`.
    pub part: Table,
    /// `part_1`.
    pub part_1: Table,
    /// `unl`.
    pub unl: Table,
    /// `v`.
    pub v: Table,
}

impl Tables {
    /// Defines the tables in `db`, and sends nothing to the database.
    pub fn define(db: &Db) -> Result<Tables> {
        Ok(Tables {
            big: Tables::big(db)?,
            dropped: Tables::dropped(db)?,
            idref: Tables::idref(db)?,
            inh: Tables::inh(db)?,
            mv: Tables::mv(db)?,
            nocols: Tables::nocols(db)?,
            parent: Tables::parent(db)?,
            part: Tables::part(db)?,
            part_1: Tables::part_1(db)?,
            unl: Tables::unl(db)?,
            v: Tables::v(db)?,
        })
    }

    fn big(db: &Db) -> Result<Table> {
        db.table("big", (
            (
                column("id", BigInteger)
                    .identity(IdentityFacts { always: true, start: 10, increment: 5, min: 1, max: 1000, cycle: true, cache: 3 })
                    .option("postgresql", "identity", "ALWAYS"),
                column("id2", Integer)
                    .not_null()
                    .identity(IdentityFacts { always: false, start: 1, increment: 1, min: 1, max: 2147483647, cycle: false, cache: 1 })
                    .option("postgresql", "identity", "BY DEFAULT"),
                column("Mixed Case", Varchar(12))
                    .not_null()
                    .server_default(raw("'x'::character varying"))
                    .collate("C"),
                column("m", Type::from(EnumType::named(Some("p1"), "mood", ["sad", "ok", "it's, \"q\""])))
                    .declared("postgresql", "p1.mood")
                    .server_default(raw("'ok'::p1.mood")),
                column("ms", Type::Array(Arc::new(Type::from(EnumType::named(Some("p1"), "mood", ["sad", "ok", "it's, \"q\""])))))
                    .declared("postgresql", "p1.mood[]"),
                column("m2", Type::from(EnumType::named(Some("p2"), "mood2", ["a", "b"])))
                    .declared("postgresql", "p2.mood2"),
                column("dom", Integer)
                    .declared("postgresql", "p1.posint")
                    .not_null()
                    .server_default(raw("7")),
                column("e", Varchar(30)).declared("postgresql", "p1.em"),
                column("doms", Type::Array(Arc::new(Integer)))
                    .declared("postgresql", "p1.posint[]"),
                column("num", Numeric(10, 2)),
                column("num0", Type::Numeric(None, None)),
                column("numn", Numeric(5, 0)),
                column("f4", Float),
                column("f8", Double),
                column("fl", Float),
                column("ts", Timestamp.digits(3)).server_default(raw("now()")),
                column("ts2", DateTime),
                column("d", Date),
                column("t", Time.digits(2)),
                column("ttz", Type::Other("time with time zone".into())),
                column("iv", Type::Other("interval year to month".into())),
                column("iv2", Interval.digits(3)),
                column("iv3", Interval),
                column("j", Json),
                column("jb", Json)
                    .declared("postgresql", "jsonb")
                    .server_default(raw("'{}'::jsonb")),
                column("u", Uuid).server_default(raw("gen_random_uuid()")),
                column("by", Binary),
                column("bit", Type::Other("bit(3)".into())),
                column("vb", Type::Other("bit varying(9)".into())),
                column("ch", Char(3)),
                column("ch1", Char(1)),
                column("bp", Type::Other("bpchar".into())),
            ),
            (
                column("vc", Text).declared("postgresql", "character varying"),
                column("txt", Text),
                column("ci", Type::Other("citext".into())),
                column("hs", Type::Other("hstore".into())),
                column("inet", Type::Other("inet".into())),
                column("cidr", Type::Other("cidr".into())),
                column("mac", Type::Other("macaddr".into())),
                column("mac8", Type::Other("macaddr8".into())),
                column("money", Type::Other("money".into())),
                column("oid", Type::Other("oid".into())),
                column("reg", Type::Other("regclass".into())),
                column("tsv", Type::Other("tsvector".into())),
                column("tsq", Type::Other("tsquery".into())),
                column("r4", Type::Other("int4range".into())),
                column("mr", Type::Other("int4multirange".into())),
                column("pt", Type::Other("point".into())),
                column("xml", Type::Other("xml".into())),
                column("arr2", Type::Array(Arc::new(Integer)))
                    .declared("postgresql", "integer[][]"),
                column("nm", Type::Other("name".into())),
                column("gen", Integer).computed(raw("(num0 * (2)::numeric)"), true),
                column("sqd", Integer).server_default(raw("nextval('p1.sq'::regclass)")),
                column("pid", Integer),
                column("rid", Integer),
                column("ca", Integer),
                column("cb", Integer),
                primary_key(["id"]).named("big_pkey"),
                unique(["ca"])
                    .named("uq_inc")
                    .option("postgresql", "include", Array::new("text", vec!["cb".into()])),
                unique(["cb"])
                    .named("uq_nnd")
                    .option("postgresql", "nulls_not_distinct", true),
                check(raw("((num > (0)::numeric) AND (num < (10)::numeric)) OR (num IS NULL)"))
                    .named("ck1")
                    .option("postgresql", "no_inherit", true),
                check(raw("ca > '-5'::integer"))
                    .named("ck_nv")
                    .option("postgresql", "not_valid", true),
                verbatim("postgresql", "EXCLUDE USING gist (r4 WITH &&, ca WITH =) WHERE ((ca > 0))")
                    .named("excl"),
                foreign_key(["pid"], Reference::columns("parent", ["id"]))
                    .named("big_pid_fkey")
                    .on_delete(Action::SetNull)
                    .on_update(Action::Cascade)
                    .deferrable(true, true)
                    .option("postgresql", "on_delete_columns", Array::new("text", vec!["pid".into()])),
            ),
            (
                foreign_key(["rid"], Reference::columns("rem", ["id"]).in_schema("p2"))
                    .named("big_rid_fkey"),
                foreign_key(["ca", "cb"], Reference::columns("parent", ["a", "b"]))
                    .named("fk2")
                    .match_type("FULL"),
                index(["Mixed Case"]).named("Ix Mixed"),
                index([IndexElement::expr(raw("lower(txt)")), IndexElement::column("ca").nulls_first(false).desc(), IndexElement::expr(raw("((cb + 1))"))])
                    .named("ix_expr"),
                index([IndexElement::column("jb").operator_class("jsonb_path_ops")])
                    .named("ix_gin")
                    .option("postgresql", "using", "gin"),
                index(["ca"])
                    .named("ix_inc")
                    .option("postgresql", "include", Array::new("text", vec!["cb".into(), "txt".into()])),
                index(["ca", "cb"])
                    .named("ix_nnd")
                    .unique()
                    .option("postgresql", "nulls_not_distinct", true),
                index([IndexElement::column("txt").operator_class("text_pattern_ops"), IndexElement::column("vc").collate("C").desc()])
                    .named("ix_ops"),
                index(["ca"])
                    .named("ix_part")
                    .filter(raw("(ca > 5) AND (txt IS NOT NULL)")),
                index([IndexElement::column("txt").operator_class("gin_trgm_ops")])
                    .named("ix_trgm")
                    .option("postgresql", "using", "gin"),
                index(["ca"])
                    .named("ix_with")
                    .option("postgresql", "with", Array::new("text", vec!["fillfactor=50".into()])),
                in_schema("p1"),
            ),
        ))
    }

    fn dropped(db: &Db) -> Result<Table> {
        db.table("dropped", (
            column("a", Integer),
            column("c", Integer),
            in_schema("p1"),
        ))
    }

    fn idref(db: &Db) -> Result<Table> {
        db.table("idref", (
            column("id", Integer).server_default(raw("nextval('p1.sq'::regclass)")),
            column("sErial", Integer)
                .not_null()
                .server_default(raw("nextval('p1.\"idref_sErial_seq\"'::regclass)")),
            in_schema("p1"),
        ))
    }

    fn inh(db: &Db) -> Result<Table> {
        db.table("inh", (
            column("id", Integer)
                .not_null()
                .server_default(raw("nextval('p1.parent_id_seq'::regclass)"))
                .option("postgresql", "inherited", true),
            column("code", Text).option("postgresql", "inherited", true),
            column("a", Integer).option("postgresql", "inherited", true),
            column("b", Integer).option("postgresql", "inherited", true),
            in_schema("p1"),
            option("postgresql", "inherits", Array::new("text", vec!["p1.parent".into()])),
        ))
    }

    fn mv(db: &Db) -> Result<Table> {
        db.table("mv", (
            column("id", Integer),
            index(["id"]).named("mvix").unique(),
            Setting::Kind(TableKind::MaterializedView(Some(" SELECT parent.id\n   FROM p1.parent;".into()))),
            in_schema("p1"),
        ))
    }

    fn nocols(db: &Db) -> Result<Table> {
        db.table("nocols", in_schema("p1"))
    }

    fn parent(db: &Db) -> Result<Table> {
        db.table("parent", (
            column("id", Integer)
                .autoincrement(Autoincrement::Always)
                .server_default(raw("nextval('p1.parent_id_seq'::regclass)")),
            column("code", Text).comment("col 'cmt'"),
            column("a", Integer),
            column("b", Integer),
            primary_key(["id"]).named("parent_pkey"),
            unique(["a", "b"]).named("parent_a_b_key"),
            unique(["code"])
                .named("parent_code_key")
                .option("postgresql", "comment", "uq cmt"),
            foreign_key(["a"], Reference::columns("parent", ["id"]))
                .named("fk_self")
                .option("postgresql", "not_valid", true),
            in_schema("p1"),
            comment("tbl cmt"),
        ))
    }

    fn part(db: &Db) -> Result<Table> {
        db.table("part", (
            column("id", Integer),
            column("y", Integer),
            primary_key(["id", "y"]).named("part_pkey"),
            index(["y"]).named("part_y_idx"),
            in_schema("p1"),
            option("postgresql", "partition_by", "RANGE (y)"),
        ))
    }

    fn part_1(db: &Db) -> Result<Table> {
        db.table("part_1", (
            column("id", Integer).option("postgresql", "inherited", true),
            column("y", Integer).option("postgresql", "inherited", true),
            primary_key(["id", "y"])
                .named("part_1_pkey")
                .option("postgresql", "inherited", true),
            index(["y"])
                .named("part_1_y_idx")
                .option("postgresql", "inherited", true),
            in_schema("p1"),
            option("postgresql", "partition_of", "p1.part"),
            option("postgresql", "bound", "FOR VALUES FROM (0) TO (10)"),
        ))
    }

    fn unl(db: &Db) -> Result<Table> {
        db.table("unl", (
            column("x", Integer),
            in_schema("p1"),
            option("postgresql", "with", Array::new("text", vec!["fillfactor=70".into()])),
            option("postgresql", "unlogged", true),
        ))
    }

    fn v(db: &Db) -> Result<Table> {
        db.table("v", (
            column("id", Integer),
            column("code", Text),
            Setting::Kind(TableKind::View(Some(" SELECT parent.id,\n    parent.code\n   FROM p1.parent;".into()))),
            in_schema("p1"),
        ))
    }
}
