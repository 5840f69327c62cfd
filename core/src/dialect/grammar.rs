//! The fragments of SQL that a dialect may spell its own way.
//!
//! Each method is a small piece named for the difference, and its default is the standard's
//! spelling in [`super::standard`]. An override says "mine, then the standard's" by calling that
//! function. Whole statements are never overridden: `compile` walks them for everybody.

use super::{Features, Isolation, standard};
use crate::error::Result;
use crate::expr::Form;
use crate::schema::{ColumnDef, Index, IndexElement, Options, TableDef};
use crate::types::Type;
use crate::value::{Value, ValueRef};

/// What a transaction, or a statement outside one, is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Only read; writes are refused.
    Read,
    /// Write, so take what writing needs from the start.
    Write,
    /// Not said: read until something is written.
    Deferred,
}

/// How a list of integers is one parameter: what stands after the expression that is looked for, before
/// and after the placeholder, and how the list is written in the parameter's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegerList {
    /// Before the placeholder, the word of membership among it.
    pub before: &'static str,
    /// After the placeholder.
    pub after: &'static str,
    /// What opens the list.
    pub open: char,
    /// What closes it.
    pub close: char,
}

/// How a column's values travel as an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayOf {
    /// The type of the array's items.
    pub item: &'static str,
    /// The type each item is converted to before it is stored, if storing does not do it.
    pub cast: Option<String>,
}

/// How an UPDATE takes its new values from rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsToUpdate {
    /// `UPDATE t SET a = changed.column1 FROM (VALUES ..) AS changed WHERE ..`, columns named so by the
    /// database.
    FromValues,
    /// `UPDATE t JOIN (SELECT ? AS column1 UNION ALL ..) AS changed ON .. SET ..`, each value converted
    /// to its column's type.
    JoinSelects,
}

/// How an INSERT updates rows that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upserts {
    /// `ON CONFLICT (key) DO UPDATE SET ..`.
    OnConflict,
    /// `ON DUPLICATE KEY UPDATE ..`, whichever key it is.
    OnDuplicateKey,
}

/// How an UPDATE or DELETE names further tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoreTables {
    /// `UPDATE t SET .. FROM u`, `DELETE FROM t USING u`.
    Using,
    /// `UPDATE t SET .. FROM u`; a DELETE looks whether there are rows of them.
    FromOnly,
    /// `UPDATE t, u SET t.a = ..`, `DELETE FROM t USING t, u`.
    Listed,
}

/// What a SELECT does with functions that give rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFunctions {
    /// There are none.
    None,
    /// Their columns have the names that they have.
    Named,
    /// Their columns may be named: `AS f (a, b)`.
    Renamed,
}

/// How several groupings are written in one GROUP BY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groupings {
    /// Not at all.
    None,
    /// `GROUP BY a, b WITH ROLLUP`.
    WithRollup,
    /// `ROLLUP (a, b)`, `CUBE (..)`, `GROUPING SETS (..)`.
    All,
}

/// How a function appears in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionForm<'a> {
    /// `name(arguments)`.
    Call(&'a str),
    /// A word without parentheses, such as `CURRENT_TIMESTAMP`.
    Word(&'static str),
}

/// What stands before something, and behind it.
pub type Around = (&'static str, &'static str);

/// How a dialect spells SQL.
pub trait Grammar: Send + Sync {
    /// Writes an identifier in quotes, whatever is in it.
    fn quote(&self, name: &str, out: &mut String) {
        standard::quote(name, '"', out);
    }

    /// Whether a word means something else to the database when it is not quoted. The word is
    /// in lower case.
    fn is_reserved(&self, word: &str) -> bool;

    /// Writes the placeholder of the n-th parameter, from 1.
    fn placeholder(&self, n: usize, out: &mut String) {
        let _ = n;
        out.push('?');
    }

    /// Begins a transaction.
    fn begin(&self, intent: Intent) -> &'static str {
        let _ = intent;
        "BEGIN"
    }

    /// Begins a transaction of this isolation: what is sent one after the other, the last of it what begins.
    fn begin_at(&self, intent: Intent, level: Isolation) -> Vec<String> {
        let _ = level;
        vec![self.begin(intent).to_string()]
    }

    /// Writes LIMIT and OFFSET; the pieces are numbers or placeholders.
    fn limit(&self, limit: Option<&str>, offset: Option<&str>, out: &mut String) {
        standard::limit(limit, offset, out);
    }

    /// The operators for LIKE with case folded, and its negation, where there are any; otherwise
    /// both sides are folded by `lower`.
    fn ilike(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The operators that treat NULL as a value: equal, and different; where there is none for the
    /// second, the first is negated.
    fn null_safe(&self) -> (&'static str, Option<&'static str>) {
        ("IS NOT DISTINCT FROM", Some("IS DISTINCT FROM"))
    }

    /// The function that puts texts together, where `||` does not.
    fn concat(&self) -> Option<&'static str> {
        None
    }

    /// How a function of this name appears.
    fn function<'a>(&self, name: &'a str) -> FunctionForm<'a> {
        standard::function(name)
    }

    /// The template of an expression that every dialect spells its own way; none where there is no such thing.
    fn form(&self, form: &Form, features: &Features) -> Option<&'static str> {
        let _ = features;
        standard::form(form)
    }

    /// Words as the template of [`Form::Words`] takes them, all of which a text has to have.
    fn words(&self, words: &str) -> String {
        words.to_string()
    }

    /// A text as the replacement of a regular expression, with nothing in it that refers to the match.
    fn replacement(&self, text: &str) -> String {
        text.to_string()
    }

    /// Whether JSON documents can be compared: they are the same whatever the order of their keys.
    fn compares_json(&self) -> bool {
        false
    }

    /// Whether a number beside a decimal stands in the text, for both to be reckoned with exactly.
    fn literal_beside_decimals(&self) -> bool {
        false
    }

    /// What stands before each step into a JSON document, where steps are operators; otherwise the way is one text.
    fn json_step(&self) -> Option<&'static str> {
        None
    }

    /// Whether a position in what is no array of a JSON document means all of it, so that [`Form::JsonHolder`] is asked
    /// before.
    fn json_positions_anywhere(&self) -> bool {
        false
    }

    /// Whether aggregates take ORDER BY.
    fn ordered_aggregates(&self, features: &Features) -> bool {
        let _ = features;
        true
    }

    /// Whether any aggregate takes ORDER BY, not only that which puts texts together.
    fn orders_any_aggregate(&self) -> bool {
        true
    }

    /// Whether there are aggregates of sorted rows, WITHIN GROUP.
    fn within_group(&self) -> bool {
        true
    }

    /// Writes a value as a literal, for DDL, where parameters are not allowed.
    ///
    /// # Errors
    /// `Conversion` for a value that has no literal form.
    fn literal(&self, value: &Value, out: &mut String) -> Result<()> {
        standard::literal(value, out)
    }

    /// Whether a member of UNION, INTERSECT or EXCEPT may stand in parentheses, to be sorted or limited.
    fn compounds_in_parentheses(&self) -> bool {
        true
    }

    /// Whether LIMIT and OFFSET take any expression.
    fn limits_by_expressions(&self) -> bool {
        true
    }

    /// Whether a limit takes the rows that are equal to the last by the order, too: FETCH .. WITH TIES, with an offset or
    /// without.
    fn limits_with_ties(&self, features: &Features, offset: bool) -> bool {
        let _ = (features, offset);
        true
    }

    /// Whether an UPDATE and a DELETE take ORDER BY and LIMIT.
    fn limits_writes(&self) -> bool {
        false
    }

    /// Whether a comparison is with ANY or ALL rows of a SELECT.
    fn quantifies(&self) -> bool {
        true
    }

    /// Whether CREATE INDEX takes IF NOT EXISTS.
    fn index_if_not_exists(&self, features: &Features) -> bool {
        let _ = features;
        true
    }

    /// Whether a SELECT after IN, ANY and ALL may have a limit.
    fn limits_in_lists(&self) -> bool {
        true
    }

    /// Whether there are INTERSECT ALL and EXCEPT ALL.
    fn set_operators_of_all(&self) -> bool {
        true
    }

    /// Whether ORDER BY takes NULLS FIRST and NULLS LAST; where it does not, NULL is less than everything.
    fn nulls_order(&self) -> bool {
        true
    }

    /// Whether aggregates take FILTER (WHERE ..).
    fn aggregate_filter(&self) -> bool {
        true
    }

    /// What a SELECT does with functions that give rows.
    fn table_functions(&self) -> TableFunctions {
        TableFunctions::Renamed
    }

    /// How several groupings are written.
    fn groupings(&self) -> Groupings {
        Groupings::All
    }

    /// Whether there is DISTINCT ON.
    fn distinct_on(&self) -> bool {
        false
    }

    /// Whether windows have frames of groups, and EXCLUDE.
    fn frames_of_groups(&self) -> bool {
        true
    }

    /// Whether frames of values go as far as an interval says.
    fn frames_of_intervals(&self) -> bool {
        false
    }

    /// What stands before a list of tuples after IN, inside its parentheses.
    fn tuple_list(&self) -> &'static str {
        ""
    }

    /// How a list of integers is one parameter, so that one text serves lists of any length; where
    /// there is no such thing, every integer is a parameter.
    fn integer_list(&self) -> Option<IntegerList> {
        None
    }

    /// What stands around an array that is one parameter, for being in it and for not being in it, of values compared with
    /// this type; where there is no
    /// such thing, every value of a list is a parameter.
    fn array_membership(&self, ty: Option<&Type>) -> Option<(Around, Around)> {
        let _ = ty;
        None
    }

    /// Whether capitals do not tell names of tables apart, even between quotes; so it is taken to be where servers can be
    /// set up so.
    fn folds_names(&self) -> bool {
        true
    }

    /// How long a name is, as the server counts it: in bytes, unless it says otherwise.
    fn length_of_name(&self, name: &str) -> usize {
        name.len()
    }

    /// The longest name of a result column.
    fn longest_label(&self, features: &Features) -> usize {
        features.max_identifier
    }

    /// How the values of a column travel as one array, so that one text writes any number of rows; none
    /// where they cannot without being changed.
    fn array_of(&self, column: &ColumnDef) -> Option<ArrayOf> {
        let _ = column;
        None
    }

    /// How rows to update from are put together, where an UPDATE takes rows at all and arrays do not
    /// carry them.
    fn rows_to_update(&self) -> Option<RowsToUpdate> {
        None
    }

    /// The type that a value of a column is converted to in a row to update from, so that it is what it
    /// was; none where there is no such type.
    fn row_item(&self, column: &ColumnDef) -> Option<&'static str> {
        let _ = column;
        None
    }

    /// The type to name for a parameter, where the database would not guess it from what the value
    /// stands beside, an expression of this type if it is known.
    fn bind_type(&self, value: ValueRef<'_>, beside: Option<&Type>) -> Option<&'static str> {
        let _ = (value, beside);
        None
    }

    /// How an INSERT updates rows that are there already.
    fn upserts(&self) -> Upserts {
        Upserts::OnConflict
    }

    /// The function around the key of a row that an upsert updates, by which the connection tells it.
    fn tells_updated_key(&self) -> Option<&'static str> {
        None
    }

    /// Whether a SELECT needs a WHERE for what follows ON CONFLICT not to be taken for a join's.
    fn conflict_after_where(&self) -> bool {
        false
    }

    /// How an UPDATE or DELETE names further tables.
    fn more_tables(&self) -> MoreTables {
        MoreTables::Using
    }

    /// Whether what an UPDATE sets is there for what it sets after it, against the standard.
    fn sets_in_order(&self) -> bool {
        false
    }

    /// Whether a NULL that was told its type has to say it.
    fn casts_null(&self, ty: &Type) -> bool {
        let _ = ty;
        false
    }

    /// The type to name for a NULL of this type, where it is not that of CAST.
    fn null_as(&self, ty: &Type) -> Option<&'static str> {
        let _ = ty;
        None
    }

    /// The type to name for a value that was told its own.
    fn typed_as(&self, value: ValueRef<'_>) -> Option<&'static str> {
        self.bind_type(value, None)
    }

    /// What follows `INSERT INTO table` when no column is given.
    fn empty_insert(&self) -> &'static str {
        "DEFAULT VALUES"
    }

    /// How the default of a column of this type stands after DEFAULT: in parentheses, or not.
    fn default_value(&self, sql: String, ty: &Type) -> String {
        let _ = ty;
        sql
    }

    /// What follows a column because of the primary key: `PRIMARY KEY AUTOINCREMENT` instead of a
    /// key clause, or `GENERATED BY DEFAULT AS IDENTITY` beside one. `generated` says whether the
    /// database makes the column's values; the flag in the answer, whether the text holds the key.
    fn inline_key(&self, table: &TableDef, column: &ColumnDef, generated: bool) -> Option<(String, bool)>;

    /// The type a column must be declared as for the database to make its keys, where that is one
    /// type only.
    fn generated_key_type(&self) -> Option<&'static str> {
        None
    }

    /// What stands between CREATE and TABLE, with a space behind it: `UNLOGGED `.
    fn table_words(&self, table: &TableDef) -> &'static str {
        let _ = table;
        ""
    }

    /// What stands in place of the columns of a table that has them from another: `PARTITION OF t ..`.
    fn whole_table(&self, table: &TableDef) -> Option<String> {
        let _ = table;
        None
    }

    /// What stands between CREATE and VIEW, with a space behind it, and what follows a view's SELECT.
    fn view_words(&self, view: &TableDef) -> (&'static str, String) {
        let _ = view;
        ("", String::new())
    }

    /// Writes what follows a column because of its options, comment and numbers.
    fn column_options(&self, column: &ColumnDef, out: &mut String) {
        let _ = (column, out);
    }

    /// What follows the word UNIQUE because of a key's options.
    fn unique_words(&self, options: &Options) -> &'static str {
        let _ = options;
        ""
    }

    /// What stands between CREATE and INDEX, with a space behind it: `FULLTEXT `.
    fn index_words(&self, index: &Index) -> &'static str {
        let _ = index;
        ""
    }

    /// Writes what stands between the table of an index and its elements: ` USING gin`.
    fn index_method(&self, index: &Index, out: &mut String) {
        let _ = (index, out);
    }

    /// Whether an expression in an index stands in parentheses whatever it is.
    fn wraps_index_expressions(&self) -> bool {
        false
    }

    /// Writes what follows the column of an index element and its collation.
    fn index_element(&self, element: &IndexElement, out: &mut String) {
        standard::index_element(element, out);
    }

    /// Writes what follows the elements of an index, before its condition.
    fn index_options(&self, index: &Index, out: &mut String) {
        let _ = (index, out);
    }

    /// Writes what follows a constraint because of its options.
    fn constraint_options(&self, options: &Options, out: &mut String) {
        let _ = (options, out);
    }

    /// Writes what follows the closing parenthesis of CREATE TABLE.
    fn table_options(&self, table: &TableDef, out: &mut String) {
        let _ = (table, out);
    }

    /// Whether the schema of an index stands before the index's name rather than the table's, and that of a
    /// foreign key's target nowhere, because a schema is a file of its own.
    fn schema_on_index(&self) -> bool {
        false
    }
}
