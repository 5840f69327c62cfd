//! Tables of a mysql database, as `mirrorm inspect --format rust` prints them.
//!
//! `create_all` makes tables only; these have to be there before:
//! - sequence sq
//! - view v

use mirrorm::prelude::*;
use mirrorm::schema::{Autoincrement, IndexElement, Reference, Setting, TableKind};
use mirrorm::types::EnumType;
use mirrorm::value::Array;

/// The tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `big`.
    pub big: Table,
    /// `isys`.
    pub isys: Table,
    /// `mema`.
    pub mema: Table,
    /// `myi`.
    pub myi: Table,
    /// `nextd`.
    pub nextd: Table,
    /// `parent`.
    pub parent: Table,
    /// `part`.
    pub part: Table,
    /// `v`.
    pub v: Table,
}

impl Tables {
    /// Defines the tables in `db`, and sends nothing to the database.
    pub fn define(db: &Db) -> Result<Tables> {
        Ok(Tables {
            big: Tables::big(db)?,
            isys: Tables::isys(db)?,
            mema: Tables::mema(db)?,
            myi: Tables::myi(db)?,
            nextd: Tables::nextd(db)?,
            parent: Tables::parent(db)?,
            part: Tables::part(db)?,
            v: Tables::v(db)?,
        })
    }

    fn big(db: &Db) -> Result<Table> {
        db.table("big", (
            (
                column("id", BigInteger)
                    .primary_key()
                    .declared("mysql", "bigint(20) unsigned zerofill")
                    .autoincrement(Autoincrement::Always)
                    .comment("it's \\ \"c\"\nnl"),
                column("ti1", SmallInteger)
                    .primary_key()
                    .declared("mysql", "tinyint(1)")
                    .server_default(raw("1")),
                column("ti", SmallInteger).declared("mysql", "tinyint(4)"),
                column("si", Integer).declared("mysql", "smallint(5) unsigned"),
                column("mi", Integer).declared("mysql", "mediumint(9)"),
                column("bi", BigInteger).server_default(raw("9223372036854775807")),
                column("b1", Type::Other("bit(1)".into())).server_default(raw("b'1'")),
                column("b8", Type::Other("bit(8)".into())),
                column("bl", SmallInteger).declared("mysql", "tinyint(1)"),
                column("fl", Float).declared("mysql", "float(7,3)"),
                column("dbl", Double).declared("mysql", "double unsigned"),
                column("dec1", Numeric(10, 3)).server_default(raw("1.500")),
                column("num", Numeric(10, 0)),
                column("vc", Varchar(30))
                    .not_null()
                    .server_default(raw("'x''y, )'"))
                    .collate("latin1_bin")
                    .option("mysql", "charset", "latin1"),
                column("ch", Char(3))
                    .server_default(raw("''"))
                    .collate("utf8mb4_unicode_ci")
                    .option("mysql", "charset", "utf8mb4"),
                column("vb", Type::Binary(Some(10))),
                column("bn", Type::Binary(Some(16))).declared("mysql", "binary(16)"),
                column("tt", Text)
                    .declared("mysql", "tinytext")
                    .collate("utf8mb4_unicode_ci")
                    .option("mysql", "charset", "utf8mb4"),
                column("tx", Text)
                    .declared("mysql", "text")
                    .server_default(raw("'abc'"))
                    .collate("utf8mb4_unicode_ci")
                    .option("mysql", "charset", "utf8mb4"),
                column("mt", Text)
                    .declared("mysql", "mediumtext")
                    .collate("utf8mb4_unicode_ci")
                    .option("mysql", "charset", "utf8mb4"),
                column("lt", Text)
                    .collate("utf8mb4_unicode_ci")
                    .option("mysql", "charset", "utf8mb4"),
                column("tb", Binary).declared("mysql", "tinyblob"),
                column("bb", Binary).declared("mysql", "blob"),
                column("mb", Binary).declared("mysql", "mediumblob"),
                column("lb", Binary),
                column("en", Type::from(EnumType::new(["a", "b,c", "it's", ""])))
                    .declared("mysql", "enum('a','b,c','it''s','')")
                    .server_default(raw("'a'"))
                    .collate("utf8mb4_unicode_ci")
                    .option("mysql", "charset", "utf8mb4"),
                column("st", Type::Other("set('x','y')".into()))
                    .server_default(raw("'x,y'"))
                    .collate("utf8mb4_unicode_ci")
                    .option("mysql", "charset", "utf8mb4"),
                column("d", Date).server_default(raw("'2020-01-01'")),
                column("t", Time.digits(3)),
                column("dt", DateTime)
                    .server_default(raw("current_timestamp(6)"))
                    .option("mysql", "on_update", "current_timestamp(6)"),
                column("ts", Timestamp.digits(0))
                    .not_null()
                    .server_default(raw("current_timestamp()"))
                    .option("mysql", "on_update", "current_timestamp()"),
                column("ts2", Timestamp.digits(0)),
            ),
            (
                column("y", Integer).declared("mysql", "year(4)"),
                column("js", Json),
                column("u", Uuid)
                    .declared("mysql", "uuid")
                    .server_default(raw("uuid()")),
                column("i4", Type::Other("inet4".into())),
                column("i6", Type::Other("inet6".into())),
                column("pt", Type::Other("point".into())).not_null(),
                column("geo", Type::Other("geometry".into())),
                column("gv", Integer).computed(raw("`ti` + 1"), false),
                column("gs", Integer)
                    .computed(raw("`si` * 3"), true)
                    .comment("gen"),
                column("gi", Integer)
                    .computed(raw("`ti` * 2"), false)
                    .option("mysql", "invisible", true),
                column("expr", Integer).server_default(raw("(1 + 2)")),
                column("inv", Integer)
                    .server_default(raw("5"))
                    .option("mysql", "invisible", true),
                column("nn", Integer),
                column("pa", Integer),
                column("pb", Integer),
                column("pid", BigInteger).declared("mysql", "int(10) unsigned"),
                check(raw("`ti` > 0 and `vc` <> ')'")).named("ck1"),
                check(raw("`si` < 10")).named("CONSTRAINT_1"),
                foreign_key(["pid"], Reference::columns("parent", ["id"]))
                    .named("fk1")
                    .on_delete(Action::Cascade)
                    .on_update(Action::SetNull),
                foreign_key(["pa", "pb"], Reference::columns("parent", ["a", "b"])).named("fk2"),
                index(["tx", "mt"])
                    .named("ftk")
                    .option("mysql", "using", "FULLTEXT"),
                index([IndexElement::column("tx").length(20)])
                    .named("k1")
                    .option("mysql", "comment", "kc"),
                index([IndexElement::column("ti").desc(), IndexElement::column("si")]).named("kd"),
                index(["pt"])
                    .named("spk")
                    .option("mysql", "using", "SPATIAL"),
                index([IndexElement::column("vc").length(10), IndexElement::column("en")])
                    .named("uq1")
                    .unique(),
                index(["lt"])
                    .named("uqlong")
                    .unique()
                    .option("mysql", "using", "HASH"),
                index(["bi"]).named("we`ird"),
                option("mysql", "engine", "InnoDB"),
                option("mysql", "collation", "utf8mb4_unicode_ci"),
            ),
        ))
    }

    fn isys(db: &Db) -> Result<Table> {
        db.table("isys", (
            column("id", Integer)
                .primary_key()
                .autoincrement(Autoincrement::Never),
            column("v", Integer),
            option("mysql", "engine", "InnoDB"),
            option("mysql", "collation", "utf8mb4_general_ci"),
            option("mysql", "system_versioned", true),
        ))
    }

    fn mema(db: &Db) -> Result<Table> {
        db.table("mema", (
            column("a", Integer),
            index(["a"]).named("a").option("mysql", "using", "HASH"),
            option("mysql", "engine", "MEMORY"),
            option("mysql", "collation", "utf8mb4_general_ci"),
        ))
    }

    fn myi(db: &Db) -> Result<Table> {
        db.table("myi", (
            column("a", Integer)
                .primary_key()
                .autoincrement(Autoincrement::Never),
            column("b", Integer),
            index(["b"]).named("b"),
            option("mysql", "engine", "MyISAM"),
            option("mysql", "collation", "utf8mb4_general_ci"),
        ))
    }

    fn nextd(db: &Db) -> Result<Table> {
        db.table("nextd", (
            column("id", Integer).server_default(raw("nextval(`source_from`.`sq`)")),
            column("colx", Integer),
            column("cc", Varchar(10))
                .collate("utf8mb4_general_ci")
                .option("mysql", "charset", "utf8mb4"),
            check(raw("json_valid(`cc`)")).option("mysql", "column", "cc"),
            check(raw("`colx` > 3")).option("mysql", "column", "colx"),
            option("mysql", "engine", "InnoDB"),
            option("mysql", "collation", "utf8mb4_general_ci"),
        ))
    }

    fn parent(db: &Db) -> Result<Table> {
        db.table("parent", (
            column("id", BigInteger)
                .primary_key()
                .declared("mysql", "int(10) unsigned"),
            column("a", Integer),
            column("b", Integer),
            unique(["a", "b"]).named("uqab"),
            comment("tbl 'cmt' \\ x"),
            option("mysql", "engine", "InnoDB"),
            option("mysql", "collation", "utf8mb4_general_ci"),
            option("mysql", "create_options", "row_format=DYNAMIC"),
        ))
    }

    fn part(db: &Db) -> Result<Table> {
        db.table("part", (
            column("id", Integer).primary_key(),
            column("y", Integer).primary_key(),
            option("mysql", "engine", "InnoDB"),
            option("mysql", "collation", "utf8mb4_general_ci"),
            option("mysql", "partition_by", "RANGE (`y`)"),
            option("mysql", "partitions", Array::new("text", vec!["PARTITION `p0` VALUES LESS THAN (10)".into(), "PARTITION `p1` VALUES LESS THAN MAXVALUE".into()])),
        ))
    }

    fn v(db: &Db) -> Result<Table> {
        db.table("v", (
            column("id", BigInteger)
                .declared("mysql", "bigint(20) unsigned zerofill")
                .not_null()
                .server_default(raw("00000000000000000000"))
                .comment("it's \\ \"c\"\nnl"),
            column("vc", Varchar(30))
                .not_null()
                .server_default(raw("'x''y, )'"))
                .collate("latin1_bin")
                .option("mysql", "charset", "latin1"),
            column("c", BigInteger)
                .declared("mysql", "bigint(21)")
                .not_null()
                .server_default(raw("0")),
            Setting::Kind(TableKind::View(Some("select `big`.`id` AS `id`,`big`.`vc` AS `vc`,count(0) AS `c` from `big` group by 1,2".into()))),
        ))
    }
}
