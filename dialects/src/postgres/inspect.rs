//! PostgreSQL's catalog: one statement for each kind of thing, whatever the schema's size.
//!
//! Tables: manual, chapter 53. Names and expressions come from the server's own printing functions,
//! so that they are valid SQL wherever they are used again. Not here: putting rows together into facts
//! (`gather`).

use mirrorm_core::dialect::{Connection, Inspector, ObjectKind, SchemaFacts, Scope, fetch};
use mirrorm_core::rows::Row;
use mirrorm_core::value::Array;
use mirrorm_core::{Error, ErrorKind, Result, Value};

use super::gather::{Gathered, Types, object};

pub(super) struct PostgresInspector;

impl Inspector for PostgresInspector {
    fn default_schema(&self, connection: &dyn Connection) -> Result<String> {
        let row = fetch(connection, "SELECT coalesce(current_schema(), 'public')::text", &[])?.one()?;
        row.get(0)
    }

    fn schemas(&self, connection: &dyn Connection) -> Result<Vec<String>> {
        let rows = fetch(
            connection,
            "SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
             ORDER BY nspname COLLATE \"C\"",
            &[],
        )?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn names(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<Vec<(String, ObjectKind)>> {
        let catalog = Catalog { connection, schema, only: None, temporary: false, version: 0 };
        let mut names = Vec::new();
        catalog.each(NAMES, |row| {
            let (_, table) = object(row, None)?;
            names.push((table.name, table.kind));
            Ok(())
        })?;
        catalog.exists_if(names.is_empty())?;
        Ok(names)
    }

    fn enums(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<Option<Vec<String>>> {
        let rows = fetch(connection, ENUMS, &[schema.into()])?;
        rows.iter().map(|row| row.get(0)).collect::<Result<Vec<String>>>().map(Some)
    }

    /// Every row of the catalog bears the number of the transaction that wrote it (manual, 5.6).
    fn fingerprint(&self, connection: &dyn Connection, schema: Option<&str>) -> Result<String> {
        let rows = fetch(connection, FINGERPRINT, &[schema.into()])?;
        match rows.first() {
            Some(row) => row.get(0),
            None => {
                let catalog = Catalog { connection, schema, only: None, temporary: false, version: 0 };
                catalog.exists_if(true).map(|()| String::new())
            }
        }
    }

    /// Compiling these statements to machine code takes ten times as long as running them, so that is turned off
    /// meanwhile, where it is on (manual, 32.2, `jit_above_cost`).
    fn facts(&self, connection: &dyn Connection, scope: &Scope) -> Result<SchemaFacts> {
        let row = fetch(connection, BEFORE, &[])?.one()?;
        let catalog = Catalog {
            connection,
            schema: scope.schema.as_deref(),
            only: scope.only.as_deref(),
            temporary: scope.temporary,
            version: row.get(0)?,
        };
        let found = catalog.facts(scope);
        if row.get::<Option<String>>(1)?.is_some() {
            let restored = fetch(connection, "SELECT set_config('jit', 'on', false)", &[]);
            // A failure before this one is what matters; a transaction it broke takes the setting back.
            return found.and_then(|found| restored.map(|_| found));
        }
        found
    }
}

const BEFORE: &str = "SELECT current_setting('server_version_num')::int,
        CASE WHEN current_setting('jit', true) = 'on' THEN set_config('jit', 'off', false) END";

const ENUMS: &str = "SELECT t.typname::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typtype = 'e' AND n.nspname = coalesce($1, current_schema())";

const FINGERPRINT: &str = "SELECT md5(concat_ws('/',
        (SELECT string_agg(c.oid || ':' || c.xmin, ',' ORDER BY c.oid) FROM pg_class c WHERE c.relnamespace = n.oid),
        (SELECT string_agg(a.attrelid || '.' || a.attnum || ':' || a.xmin, ',' ORDER BY a.attrelid, a.attnum)
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = n.oid AND a.attnum > 0),
        (SELECT string_agg(d.oid || ':' || d.xmin, ',' ORDER BY d.oid)
         FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid WHERE c.relnamespace = n.oid),
        (SELECT string_agg(k.oid || ':' || k.xmin, ',' ORDER BY k.oid) FROM pg_constraint k WHERE k.connamespace = n.oid),
        (SELECT string_agg(i.indexrelid || ':' || i.xmin, ',' ORDER BY i.indexrelid)
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = n.oid),
        (SELECT string_agg(r.oid || ':' || r.xmin, ',' ORDER BY r.oid)
         FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = n.oid),
        (SELECT string_agg(s.seqrelid || ':' || s.xmin, ',' ORDER BY s.seqrelid)
         FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = n.oid),
        (SELECT string_agg(t.oid || ':' || t.xmin, ',' ORDER BY t.oid) FROM pg_type t WHERE t.typnamespace = n.oid),
        (SELECT string_agg(e.oid || ':' || e.xmin, ',' ORDER BY e.oid)
         FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typnamespace = n.oid),
        (SELECT string_agg(d.objoid || '.' || d.objsubid || ':' || d.xmin, ',' ORDER BY d.objoid, d.objsubid)
         FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
         WHERE c.relnamespace = n.oid)))
    FROM pg_namespace n WHERE n.nspname = coalesce($1::text, current_schema())";

/// The namespace that is read: `$1`, or the default one; `$3` says that it is the one of temporary objects.
macro_rules! of_schema {
    ($namespace:literal) => {
        concat!(
            "CASE WHEN $3 THEN ",
            $namespace,
            ".oid = pg_my_temp_schema() ELSE ",
            $namespace,
            ".nspname = coalesce($1::text, current_schema()) END"
        )
    };
}

/// Which tables and views the statements are about: those of the schema, or those of it that `$2` names.
macro_rules! of_tables {
    () => {
        concat!(
            "c.relkind IN ('r', 'p', 'f', 'v', 'm') AND ",
            of_schema!("n"),
            " AND ($2::text[] IS NULL OR c.relname = ANY ($2::text[]))"
        )
    };
}

const NAMES: &str = concat!(
    "SELECT c.oid::bigint, c.relname::text, c.relkind::text
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ",
    of_tables!(),
    " ORDER BY c.relname COLLATE \"C\""
);

/// What partitions, parents, storage and foreign servers there are stands with the table.
const OBJECTS: &str = concat!(
    "SELECT c.oid::bigint, c.relname::text, c.relkind::text, obj_description(c.oid, 'pg_class'),
            c.relpersistence::text, pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
            ARRAY(SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid
                  ORDER BY i.inhseqno),
            c.reloptions, CASE WHEN am.amname <> 'heap' THEN am.amname::text END, ts.spcname::text,
            s.srvname::text, ft.ftoptions
     FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_am am ON am.oid = c.relam
     LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
     LEFT JOIN pg_foreign_table ft ON ft.ftrelid = c.oid
     LEFT JOIN pg_foreign_server s ON s.oid = ft.ftserver
     WHERE ",
    of_tables!(),
    " ORDER BY c.relname COLLATE \"C\""
);

/// Enums and domains: those of the schema, those that its columns have, and what these are made of.
const TYPES: &str = concat!(
    "WITH RECURSIVE used (oid) AS (
         SELECT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE a.attnum > 0 AND NOT a.attisdropped AND ",
    of_tables!(),
    "    UNION
         SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE t.typtype IN ('e', 'd') AND ",
    of_schema!("n"),
    "    UNION
         SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END
         FROM used u JOIN pg_type t ON t.oid = u.oid
         WHERE t.typtype = 'd' OR (t.typelem <> 0 AND t.typlen = -1))
     SELECT t.oid::bigint, CASE WHEN n.nspname <> coalesce($1::text, current_schema()) THEN n.nspname::text END,
            t.typname::text, t.typtype::text,
            ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
            format_type(t.typbasetype, t.typtypmod), t.typbasetype::bigint, t.typnotnull, t.typdefault,
            CASE WHEN t.typcollation <> coalesce(b.typcollation, t.typcollation) THEN co.collname::text END,
            ARRAY(SELECT k.conname::text FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'
                  ORDER BY k.conname COLLATE \"C\"),
            ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
                  WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname COLLATE \"C\"),
            obj_description(t.oid, 'pg_type'), t.typelem::bigint,
            ",
    of_schema!("n"),
    " FROM used u JOIN pg_type t ON t.oid = u.oid
     JOIN pg_namespace n ON n.oid = t.typnamespace
     LEFT JOIN pg_type b ON b.oid = t.typbasetype
     LEFT JOIN pg_collation co ON co.oid = t.typcollation
     WHERE t.typtype IN ('e', 'd') OR (t.typelem <> 0 AND t.typlen = -1)
     ORDER BY n.nspname COLLATE \"C\", t.typname COLLATE \"C\""
);

const COLUMNS: &str = concat!(
    "SELECT a.attrelid::bigint, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
            CASE WHEN a.attcollation <> t.typcollation THEN co.collname::text END,
            col_description(a.attrelid, a.attnum), a.atttypid::bigint, a.attndims::int,
            CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END, a.attcompression::text,
            a.attislocal
     FROM pg_attribute a
     JOIN pg_type t ON t.oid = a.atttypid
     JOIN pg_class c ON c.oid = a.attrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     LEFT JOIN pg_collation co ON co.oid = a.attcollation
     WHERE a.attnum > 0 AND NOT a.attisdropped AND ",
    of_tables!(),
    " ORDER BY a.attrelid, a.attnum"
);

/// The server keeps a row more for each partition of a table that a foreign key points to; those are the
/// server's own business.
const CONSTRAINTS: &str = concat!(
    "SELECT k.conrelid::bigint, k.conname::text, k.contype::text,
            ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(n, at)
                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.at),
            pg_get_expr(k.conbin, k.conrelid),
            CASE WHEN fn.nspname <> own.nspname THEN fn.nspname::text END, f.relname::text,
            ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(n, at)
                  JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.at),
            k.confdeltype::text, k.confupdtype::text, k.confmatchtype::text, k.condeferrable, k.condeferred,
            k.convalidated, k.connoinherit, k.conislocal, obj_description(k.oid, 'pg_constraint'),
            ARRAY(SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS u(n, at)
                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n
                  WHERE i.indexrelid = k.conindid AND k.contype IN ('p', 'u') AND u.at > i.indnkeyatts
                  ORDER BY u.at),
            CASE WHEN k.contype = 'x' THEN pg_get_constraintdef(k.oid) END,
            coalesce(fn.nspname <> own.nspname AND fn.nspname = current_schema(), false),
            /*15*/ARRAY(SELECT a.attname::text FROM unnest(k.confdelsetcols) WITH ORDINALITY AS u(n, at)
                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.at),
            (SELECT i.indnullsnotdistinct FROM pg_index i WHERE i.indexrelid = k.conindid AND k.contype = 'u'),
            /*18*/k.conperiod, k.conenforced
     FROM pg_constraint k
     JOIN pg_class c ON c.oid = k.conrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_class f ON f.oid = k.confrelid
     LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
     JOIN pg_namespace own ON own.oid = k.connamespace
     WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND NOT EXISTS (
               SELECT FROM pg_constraint up WHERE up.oid = k.conparentid AND up.conrelid = k.conrelid)
       AND ",
    of_tables!(),
    " ORDER BY k.conrelid, k.conname COLLATE \"C\""
);

/// Indexes but those of primary keys, a row for each of their elements.
const INDEXES: &str = concat!(
    "SELECT i.indrelid::bigint, x.relname::text, i.indisunique, pg_get_expr(i.indpred, i.indrelid),
            am.amname::text, att.attname::text,
            CASE WHEN i.indkey[e - 1] = 0 THEN pg_get_indexdef(i.indexrelid, e, false) END,
            e > i.indnkeyatts, coalesce(i.indoption[e - 1], 0)::int,
            CASE WHEN i.indcollation[e - 1] <> coalesce(att.attcollation, i.indcollation[e - 1])
                 THEN co.collname::text END,
            CASE WHEN NOT op.opcdefault THEN op.opcname::text END,
            (SELECT k.conname::text FROM pg_constraint k
             WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('u', 'x')),
            x.reloptions, ts.spcname::text, obj_description(x.oid, 'pg_class'), x.relispartition, i.indisvalid,
            /*15*/i.indnullsnotdistinct
     FROM pg_index i
     JOIN pg_class c ON c.oid = i.indrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_class x ON x.oid = i.indexrelid
     JOIN pg_am am ON am.oid = x.relam
     CROSS JOIN LATERAL generate_series(1, i.indnatts) AS e
     LEFT JOIN pg_tablespace ts ON ts.oid = x.reltablespace
     LEFT JOIN pg_attribute att ON att.attrelid = i.indrelid AND att.attnum = i.indkey[e - 1]
     LEFT JOIN pg_collation co ON e <= i.indnkeyatts AND co.oid = i.indcollation[e - 1]
     LEFT JOIN pg_opclass op ON e <= i.indnkeyatts AND op.oid = i.indclass[e - 1]
     WHERE NOT i.indisprimary AND ",
    of_tables!(),
    " ORDER BY i.indrelid, x.relname COLLATE \"C\", e"
);

const VIEWS: &str = concat!(
    "SELECT c.oid::bigint, pg_get_viewdef(c.oid)
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('v', 'm') AND ",
    of_tables!()
);

/// Sequences of the schema, with the column each belongs to: as its default's (`a`) or its identity's (`i`).
const SEQUENCES: &str = concat!(
    "SELECT c.relname::text, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
            s.seqcycle, s.seqcache, t.oid::bigint, t.relname::text, a.attname::text, d.deptype::text,
            obj_description(c.oid, 'pg_class')
     FROM pg_sequence s
     JOIN pg_class c ON c.oid = s.seqrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
     LEFT JOIN pg_class t ON t.oid = d.refobjid
     LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE ",
    of_schema!("n"),
    " AND ($2::text[] IS NULL OR t.relname = ANY ($2::text[]))
     ORDER BY c.relname COLLATE \"C\""
);

/// A schema of a connection, or some objects of it.
struct Catalog<'a> {
    connection: &'a dyn Connection,
    schema: Option<&'a str>,
    only: Option<&'a [String]>,
    temporary: bool,
    /// As `server_version_num` has it: 150004.
    version: i64,
}

impl Catalog<'_> {
    fn facts(&self, scope: &Scope) -> Result<SchemaFacts> {
        let mut types = Types::default();
        self.each(TYPES, |row| types.add(row, self.schema))?;
        let mut gathered = Gathered::new(types, scope);
        self.each(OBJECTS, |row| gathered.object(row))?;
        if gathered.is_empty() {
            self.exists_if(true)?;
        } else {
            self.each(COLUMNS, |row| gathered.column(row))?;
            self.each(CONSTRAINTS, |row| gathered.constraint(row))?;
            self.each(INDEXES, |row| gathered.index(row))?;
            if !scope.without_views {
                self.each(VIEWS, |row| gathered.view(row))?;
            }
        }
        self.each(SEQUENCES, |row| gathered.sequence(row))?;
        Ok(gathered.finish())
    }

    fn each(&self, sql: &str, mut body: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let only = self.only.map_or(Value::Null, |names| {
            let names = names.iter().map(|name| Value::from(name.as_str())).collect();
            Value::Array(Box::new(Array::new("text", names)))
        });
        let params = [self.schema.into(), only, self.temporary.into()];
        let sql = of_version(sql, self.version);
        fetch(self.connection, &sql, &params)?.iter().try_for_each(|row| body(&row))
    }

    /// Where nothing was found: whether there is such a schema at all.
    fn exists_if(&self, nothing: bool) -> Result<()> {
        let Some(schema) = self.schema.filter(|_| nothing) else { return Ok(()) };
        let found = fetch(self.connection, "SELECT FROM pg_namespace WHERE nspname = $1", &[schema.into()])?;
        if found.is_empty() {
            let message = format!("there is no schema `{schema}`");
            return Err(Error::new(ErrorKind::NoSuchTable, message).with_table(schema));
        }
        Ok(())
    }
}

/// A statement with the columns that the server's catalog has: those behind the mark of a later version are
/// left out.
fn of_version(sql: &str, version: i64) -> String {
    let mut text = sql.to_string();
    for (mark, since) in [("/*15*/", 150_000), ("/*18*/", 180_000)] {
        if version < since
            && let Some((front, rest)) = text.split_once(mark)
            && let Some((_, behind)) = rest.split_once("\n     FROM ")
        {
            text = format!("{}\n     FROM {behind}", front.trim_end().trim_end_matches(','));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r4_4_23_a_statement_asks_for_what_its_server_has() {
        let (old, middle, new) =
            [140_000, 150_000, 180_000].map(|version| of_version(CONSTRAINTS, version)).into();
        assert!(!old.contains("confdelsetcols") && middle.contains("confdelsetcols"));
        assert!(!middle.contains("conperiod") && new.contains("conperiod"));
        assert!(old.contains("current_schema(), false)\n     FROM pg_constraint k\n"), "{old}");
        assert_eq!(of_version(VIEWS, 0), VIEWS);
    }
}
