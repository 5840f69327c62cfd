//! Tables of a mysql database, as `mirrorm inspect --format rust` prints them.
//!
//! `create_all` makes tables only; these have to be there before:
//! - view v
//!
//! What could not be read:
//! - broken: View 'source_from.broken' references invalid table(s) or column(s) or function(s) or definer/invoker of view lack rights to use them

use mirrorm::prelude::*;
use mirrorm::schema::{Autoincrement, IndexElement, Reference, Setting, TableKind};
use mirrorm::types::EnumType;
use mirrorm::value::Array;

/// The tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `big`.
    pub big: Table,
    /// `keyed`.
    pub keyed: Table,
    /// `mema`.
    pub mema: Table,
    /// `parent`.
    pub parent: Table,
    /// `part`.
    pub part: Table,
    /// `parts`.
    pub parts: Table,
    /// `v`.
    pub v: Table,
}

impl Tables {
    /// Defines the tables in `db`, and sends nothing to the database.
    pub fn define(db: &Db) -> Result<Tables> {
        Ok(Tables {
            big: Tables::big(db)?,
            keyed: Tables::keyed(db)?,
            mema: Tables::mema(db)?,
            parent: Tables::parent(db)?,
            part: Tables::part(db)?,
            parts: Tables::parts(db)?,
            v: Tables::v(db)?,
        })
    }

    fn big(db: &Db) -> Result<Table> {
        db.table("big", (
            (
                column("id", BigInteger)
                    .primary_key()
                    .declared("mysql", "bigint unsigned")
                    .autoincrement(Autoincrement::Always)
                    .comment("it's \\ \"c\"\nnl"),
                column("ti1", SmallInteger)
                    .primary_key()
                    .declared("mysql", "tinyint(1)")
                    .server_default(raw("1")),
                column("si", Integer).declared("mysql", "smallint unsigned"),
                column("mi", Integer).declared("mysql", "mediumint"),
                column("zf", BigInteger).declared("mysql", "int(5) unsigned zerofill"),
                column("bi", BigInteger).server_default(raw("9223372036854775807")),
                column("b1", Type::Other("bit(1)".into())).server_default(raw("b'1'")),
                column("b8", Type::Other("bit(8)".into())),
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
                    .server_default(raw("_utf8mb4'abc'"))
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
                column("en", Type::from(EnumType::new(["a", "b,c", "it's", "back\\slash", ""])))
                    .declared("mysql", "enum('a','b,c','it''s','back\\\\slash','')")
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
                    .server_default(raw("CURRENT_TIMESTAMP(6)"))
                    .option("mysql", "on_update", "current_timestamp(6)"),
                column("ts", Timestamp.digits(0))
                    .not_null()
                    .server_default(raw("CURRENT_TIMESTAMP"))
                    .option("mysql", "on_update", "current_timestamp"),
                column("y", Integer).declared("mysql", "year"),
                column("js", Json).server_default(raw("json_object(_utf8mb4'a',_utf8mb4'it\\'s')")),
            ),
            (
                column("tags", Json),
                column("u", Char(36))
                    .server_default(raw("uuid()"))
                    .collate("utf8mb4_unicode_ci")
                    .option("mysql", "charset", "utf8mb4"),
                column("pt", Type::Other("point".into()))
                    .not_null()
                    .option("mysql", "srid", 4326_i64),
                column("geo", Type::Other("geometry".into())),
                column("gv", Integer).computed(raw("(`si` + 1)"), false),
                column("gs", Varchar(40))
                    .computed(raw("concat(`ch`,_utf8mb4'it\\'s \\\\')"), true)
                    .collate("utf8mb4_unicode_ci")
                    .comment("gen")
                    .option("mysql", "charset", "utf8mb4"),
                column("gi", Integer)
                    .computed(raw("(`si` * 2)"), false)
                    .option("mysql", "invisible", true),
                column("expr", Integer).server_default(raw("(1 + 2)")),
                column("inv", Integer)
                    .server_default(raw("5"))
                    .option("mysql", "invisible", true),
                column("nn", Integer),
                column("pa", Integer),
                column("pb", Integer),
                column("pid", BigInteger).declared("mysql", "int unsigned"),
                column("colx", Integer),
                unique(["si", "mi"]).named("uq2"),
                check(raw("(`colx` > 3)")).named("big_chk_1"),
                check(raw("((`si` > 0) and (`ch` <> _utf8mb4'it\\'s )'))")).named("ck1"),
                check(raw("(`si` < 10)"))
                    .named("ck2")
                    .option("mysql", "not_enforced", true),
                foreign_key(["pid"], Reference::columns("parent", ["id"]))
                    .named("fk1")
                    .on_delete(Action::Cascade)
                    .on_update(Action::SetNull),
                foreign_key(["pa", "pb"], Reference::columns("parent", ["a", "b"]))
                    .named("fk2")
                    .on_delete(Action::Restrict),
                index(["tx", "mt"])
                    .named("ftk")
                    .option("mysql", "using", "FULLTEXT"),
                index([IndexElement::expr(raw("lower(`vc`)"))]).named("fx"),
                index(["mi"])
                    .named("hid")
                    .option("mysql", "invisible", true),
                index([IndexElement::column("tx").length(20)])
                    .named("k1")
                    .option("mysql", "comment", "kc"),
                index([IndexElement::column("si").desc(), IndexElement::column("mi")]).named("kd"),
                index([IndexElement::column("si"), IndexElement::expr(raw("(`pa` * 2)")).desc()])
                    .named("mix"),
                index([IndexElement::expr(raw("cast(json_extract(`tags`,_utf8mb4'$.t') as unsigned array)"))])
                    .named("mvi"),
                index(["pt"])
                    .named("spk")
                    .option("mysql", "using", "SPATIAL"),
                index([IndexElement::expr(raw("upper(`ch`)"))])
                    .named("ufx")
                    .unique(),
                index([IndexElement::column("vc").length(10), IndexElement::column("en")])
                    .named("uq1")
                    .unique(),
                index(["bi"]).named("we`ird"),
                option("mysql", "engine", "InnoDB"),
            ),
            (
                option("mysql", "collation", "utf8mb4_unicode_ci"),
            ),
        ))
    }

    fn keyed(db: &Db) -> Result<Table> {
        db.table("keyed", (
            column("id", Integer)
                .primary_key()
                .autoincrement(Autoincrement::Never),
            option("mysql", "engine", "InnoDB"),
            option("mysql", "collation", "utf8mb4_0900_ai_ci"),
            option("mysql", "partition_by", "KEY (`id`)"),
            option("mysql", "partitions", Array::new("text", vec!["PARTITION `p0`".into(), "PARTITION `p1`".into(), "PARTITION `p2`".into()])),
        ))
    }

    fn mema(db: &Db) -> Result<Table> {
        db.table("mema", (
            column("a", Integer),
            index(["a"]).named("a").option("mysql", "using", "HASH"),
            option("mysql", "engine", "MEMORY"),
            option("mysql", "collation", "utf8mb4_0900_ai_ci"),
        ))
    }

    fn parent(db: &Db) -> Result<Table> {
        db.table("parent", (
            column("id", BigInteger)
                .primary_key()
                .declared("mysql", "int unsigned"),
            column("a", Integer),
            column("b", Integer),
            unique(["a", "b"]).named("uqab"),
            comment("tbl 'cmt' \\ x"),
            option("mysql", "engine", "InnoDB"),
            option("mysql", "collation", "utf8mb4_0900_ai_ci"),
            option("mysql", "create_options", "row_format=DYNAMIC"),
        ))
    }

    fn part(db: &Db) -> Result<Table> {
        db.table("part", (
            column("id", Integer).primary_key(),
            column("y", Integer).primary_key(),
            option("mysql", "engine", "InnoDB"),
            option("mysql", "collation", "utf8mb4_0900_ai_ci"),
            option("mysql", "partition_by", "RANGE (`y`)"),
            option("mysql", "partitions", Array::new("text", vec!["PARTITION `p0` VALUES LESS THAN (10)".into(), "PARTITION `p1` VALUES LESS THAN MAXVALUE".into()])),
        ))
    }

    fn parts(db: &Db) -> Result<Table> {
        db.table("parts", (
            column("id", Integer).primary_key(),
            column("y", Integer).primary_key(),
            option("mysql", "engine", "InnoDB"),
            option("mysql", "collation", "utf8mb4_0900_ai_ci"),
            option("mysql", "partition_by", "LIST (`y`) SUBPARTITION BY HASH (`id`)"),
            option("mysql", "partitions", Array::new("text", vec!["PARTITION `p0` VALUES IN (1,2)".into(), "PARTITION `p 1` VALUES IN (3)".into()])),
        ))
    }

    fn v(db: &Db) -> Result<Table> {
        db.table("v", (
            column("id", BigInteger)
                .declared("mysql", "bigint unsigned")
                .not_null()
                .server_default(raw("0"))
                .comment("it's \\ \"c\"\nnl"),
            column("vc", Varchar(30))
                .not_null()
                .server_default(raw("'x''y, )'"))
                .collate("latin1_bin")
                .option("mysql", "charset", "latin1"),
            column("c", BigInteger).not_null().server_default(raw("0")),
            Setting::Kind(TableKind::View(Some("select `big`.`id` AS `id`,`big`.`vc` AS `vc`,count(0) AS `c` from `big` group by `big`.`id`,`big`.`vc`".into()))),
        ))
    }
}
