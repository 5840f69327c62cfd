//! Relationships from foreign keys, with names that are the same every time and never collide.
//!
//! Names, in the order they are tried: for the side that holds the key, the column without its
//! `_id`, or the referred table; for the other side, the table that refers. A name that is taken
//! by a column or another relationship of the table gets the key's columns added, then the other
//! table's name, then a number. All keys of a table are looked at in their order, tables in
//! theirs.

use std::collections::{HashMap, HashSet};

use std::sync::Arc;

use mirrorm_core::schema::{ForeignKeyDef, Name, Table, TableDef, TableKind};

/// What a relationship leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationshipKind {
    /// From the row that holds the key to the one row it points to.
    ManyToOne,
    /// From a row to the rows that point to it.
    OneToMany,
    /// From a row to the only row that can point to it, because the key is unique.
    OneToOne,
    /// Through a table that holds two keys, and nothing else unless the program says so.
    ManyToMany,
}

/// A way from the rows of one table to those of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Relationship {
    /// Its name on the table it starts at.
    pub name: String,
    /// The table it starts at.
    pub from: Table,
    /// The table it leads to.
    pub to: Table,
    /// What it leads to.
    pub kind: RelationshipKind,
    /// The columns of the start, by key.
    pub from_columns: Vec<String>,
    /// The columns of the end, by key.
    pub to_columns: Vec<String>,
    /// For many-to-many, the table between.
    pub through: Option<Between>,
}

/// The table between two that are many-to-many, and its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Between {
    /// The table.
    pub table: Table,
    /// Its columns that point to the start, by key.
    pub from_columns: Vec<String>,
    /// Its columns that point to the end, by key.
    pub to_columns: Vec<String>,
    /// Its further columns, by key: a row that is added by the relationship leaves them to the database.
    pub others: Vec<String>,
}

/// One foreign key between two of the tables, its columns resolved.
struct Link<'a> {
    from: &'a Table,
    from_def: &'a TableDef,
    to: &'a Table,
    key: &'a ForeignKeyDef,
    columns: Vec<String>,
    targets: Vec<String>,
}

/// The relationships of tables among themselves. Many-to-many are those through a table that holds nothing but
/// two keys.
pub fn relationships(tables: &[Table]) -> Vec<Relationship> {
    let mut found = candidates(tables);
    found.retain(|one| one.is_plain());
    found
}

impl Relationship {
    /// Whether no row between has more to it than the two it links.
    pub(super) fn is_plain(&self) -> bool {
        self.through.as_ref().is_none_or(|between| between.others.is_empty())
    }
}

/// The relationships, and those that a program may want to see in tables that link two others and have further
/// columns: these come last.
pub(super) fn candidates(tables: &[Table]) -> Vec<Relationship> {
    let defs: Vec<Arc<TableDef>> = tables.iter().map(Table::def).collect();
    let places = places(&defs);
    let links: Vec<Vec<Link<'_>>> =
        tables.iter().zip(&defs).map(|(table, def)| links_of(table, def, tables, &defs, &places)).collect();
    let mut names = Names::new(tables, &defs);
    let mut found = Vec::new();
    found.extend(links.iter().flatten().map(|link| forward(link, &mut names)));
    found.extend(links.iter().flatten().map(|link| backward(link, &mut names)));
    let pairs =
        || links.iter().filter_map(|own| if let [a, b] = own.as_slice() { link_table(a, b) } else { None });
    for is_plain in [true, false] {
        for (a, b, others) in pairs().filter(|(_, _, others)| others.is_empty() == is_plain) {
            found.push(through(a, b, &others, &mut names));
            found.push(through(b, a, &others, &mut names));
        }
    }
    found
}

/// Where a table of a schema and a name stands.
type Places<'d> = HashMap<(Option<&'d str>, &'d str), usize>;

fn places(defs: &[Arc<TableDef>]) -> Places<'_> {
    let mut places = HashMap::with_capacity(defs.len());
    for (at, def) in defs.iter().enumerate() {
        places.entry((def.schema().map(Name::as_str), def.name().as_str())).or_insert(at);
    }
    places
}

fn links_of<'a>(
    table: &'a Table,
    def: &'a TableDef,
    tables: &'a [Table],
    defs: &[Arc<TableDef>],
    places: &Places<'_>,
) -> Vec<Link<'a>> {
    let target_of = |key: &'a ForeignKeyDef| {
        let name = key.target.table.as_str();
        let schema = key.target.schema.as_ref().or(def.schema()).map(Name::as_str);
        let in_default = key.target.in_default.then(|| places.get(&(None, name))).flatten();
        let at = *places.get(&(schema, name)).or(in_default)?;
        let (to, to_def) = (tables.get(at)?, defs.get(at)?);
        let targets = keys_at(to_def, &key.target_positions(to_def)?);
        let columns = keys_at(def, &key.columns);
        Some(Link { from: table, from_def: def, to, key, columns, targets })
    };
    def.foreign_keys().iter().filter_map(target_of).collect()
}

/// What programs call the columns at these positions.
fn keys_at(def: &TableDef, positions: &[usize]) -> Vec<String> {
    positions.iter().filter_map(|at| def.column_at(*at)).map(|c| c.key().to_string()).collect()
}

fn forward<'d>(link: &Link<'d>, names: &mut Names<'d>) -> Relationship {
    let column = match link.columns.as_slice() {
        [only] => only.as_str(),
        _ => "",
    };
    let stem = column.strip_suffix("_id").or(column.strip_suffix("Id")).or(column.strip_suffix("_ID"));
    let table = link.to.name();
    let wishes = [stem.filter(|s| !s.is_empty()).unwrap_or(&table).to_string(), table.to_string()];
    Relationship {
        name: names.take(link.from, &wishes, &link.columns, &table),
        from: link.from.clone(),
        to: link.to.clone(),
        kind: RelationshipKind::ManyToOne,
        from_columns: link.columns.clone(),
        to_columns: link.targets.clone(),
        through: None,
    }
}

fn backward<'d>(link: &Link<'d>, names: &mut Names<'d>) -> Relationship {
    let table = link.from.name();
    let unique = link.from_def.is_unique(&link.key.columns);
    Relationship {
        name: names.take(link.to, &[table.to_string()], &link.columns, &table),
        from: link.to.clone(),
        to: link.from.clone(),
        kind: if unique { RelationshipKind::OneToOne } else { RelationshipKind::OneToMany },
        from_columns: link.targets.clone(),
        to_columns: link.columns.clone(),
        through: None,
    }
}

fn through<'d>(from: &Link<'d>, to: &Link<'d>, others: &[String], names: &mut Names<'d>) -> Relationship {
    let table = from.from;
    let (target, between) = (to.to.name(), table.name());
    let wishes = [format!("{target}_through_{between}")];
    let plain = names.is_free(from.to, &target);
    let wishes = if plain { &[target.to_string()] } else { &wishes };
    Relationship {
        name: names.take(from.to, wishes, &to.columns, &between),
        from: from.to.clone(),
        to: to.to.clone(),
        kind: RelationshipKind::ManyToMany,
        from_columns: from.targets.clone(),
        to_columns: to.targets.clone(),
        through: Some(Between {
            table: table.clone(),
            from_columns: from.columns.clone(),
            to_columns: to.columns.clone(),
            others: others.to_vec(),
        }),
    }
}

/// The two keys of a table that links two others, and its further columns.
fn link_table<'l, 'a>(a: &'l Link<'a>, b: &'l Link<'a>) -> Option<(&'l Link<'a>, &'l Link<'a>, Vec<String>)> {
    let def = a.from_def;
    let held: HashSet<usize> = a.key.columns.iter().chain(&b.key.columns).copied().collect();
    let others = def.columns().enumerate().filter(|(at, column)| !held.contains(at) && !column.is_system());
    let others = others.map(|(_, column)| column.key().to_string()).collect();
    (*def.kind() == TableKind::Table && a.key.columns != b.key.columns).then_some((a, b, others))
}

/// The names taken on each table: its columns, and relationships so far.
struct Names<'d> {
    defs: HashMap<&'d Table, &'d TableDef>,
    taken: HashMap<&'d Table, HashSet<String>>,
}

impl<'d> Names<'d> {
    fn new(tables: &'d [Table], defs: &'d [Arc<TableDef>]) -> Names<'d> {
        let defs = tables.iter().zip(defs).map(|(table, def)| (table, &**def));
        Names { defs: defs.collect(), taken: HashMap::new() }
    }

    fn is_free(&self, table: &Table, name: &str) -> bool {
        let is_column = self.defs.get(table).is_some_and(|def| def.columns().any(|c| c.key() == name));
        !is_column && self.taken.get(table).is_none_or(|taken| !taken.contains(name))
    }

    /// Takes the first free name: a wish, a wish with the key's columns, with the other table.
    fn take(&mut self, table: &'d Table, wishes: &[String], columns: &[String], other: &str) -> String {
        let first = wishes.first().map_or("", String::as_str);
        let name = wishes.iter().find(|name| self.is_free(table, name)).cloned().or_else(|| {
            let by = columns.join("_");
            let long = [format!("{first}_by_{by}"), format!("{first}_{other}_by_{by}")];
            let mut candidates = long.into_iter().chain((2..).map(|n| format!("{first}_{n}")));
            candidates.find(|name| self.is_free(table, name))
        });
        let name = name.unwrap_or_default();
        self.taken.entry(table).or_default().insert(name.clone());
        name
    }
}
