//! What a text does beside reading and writing rows, by its first words. Shared by the servers'
//! drivers.
//!
//! The drivers do not tell whether a transaction is open, nor what a session's settings are; both
//! change by statements only. Not a parser: what is said too often costs a round trip, never a wrong
//! answer about rows.

/// What a text does to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing but its rows.
    None,
    /// Begins a transaction.
    Begin,
    /// Ends the transaction well.
    Commit,
    /// Ends the transaction.
    Rollback,
    /// Goes back to a savepoint, so that a failed transaction goes on.
    Restore,
    /// Marks or forgets a savepoint, or changes the transaction in another way that ends with it.
    Savepoint,
    /// Changes the schema, so that kept plans may be stale.
    Schema,
    /// Takes or gives back locks of the session; on MySQL it ends the transaction too.
    Locks,
    /// Leaves a statement under a name in the session, which only closing it is sure to take away.
    Names,
    /// Leaves something in the session: a setting, a lock, a temporary table, a subscription.
    Session,
}

/// The first words of what does nothing to a session but its rows; what begins otherwise may do anything.
const PLAIN: &[&str] = &[
    "select",
    "insert",
    "update",
    "delete",
    "replace",
    "values",
    "with",
    "table",
    "merge",
    "show",
    "explain",
    "describe",
    "desc",
    "fetch",
    "close",
    "copy",
    "execute",
    "vacuum",
    "check",
    "checksum",
    "cluster",
    "notify",
    "move",
    "kill",
    "pragma",
    "checkpoint",
];

/// Whether the end of a transaction begins the next one: `COMMIT AND CHAIN`.
pub(crate) fn chains(sql: &str) -> bool {
    let first = words(sql).next().unwrap_or_default();
    let ends = ["commit", "rollback", "end", "abort"].iter().any(|word| first.eq_ignore_ascii_case(word));
    let mut before = "";
    ends && words(sql).any(|word| {
        let chain = word.eq_ignore_ascii_case("chain") && !before.eq_ignore_ascii_case("no");
        before = word;
        chain
    })
}

/// Whether what is created or dropped is of the session only.
fn is_temporary(sql: &str) -> bool {
    words(sql).skip(1).take(3).any(|word| ["temp", "temporary"].iter().any(|t| word.eq_ignore_ascii_case(t)))
}

/// Whether a text may hold more than one statement.
pub(crate) fn is_several(sql: &str) -> bool {
    sql.trim_end().trim_end_matches(';').contains(';')
}

/// The effect of one statement.
pub(crate) fn effect(sql: &str) -> Effect {
    // A comment that MySQL runs is no comment.
    if sql.contains("/*!") || sql.contains("/*M!") {
        return Effect::Session;
    }
    if chains(sql) {
        return Effect::Begin;
    }
    let mut words = words(sql);
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    match first.as_str() {
        "begin" | "start" => Effect::Begin,
        "commit" | "end" => Effect::Commit,
        "abort" => Effect::Rollback,
        "rollback" => {
            let mut rest = words.take(2).map(str::to_ascii_lowercase);
            if rest.any(|word| word == "to") { Effect::Restore } else { Effect::Rollback }
        }
        "prepare" if words.next().is_some_and(|word| word.eq_ignore_ascii_case("transaction")) => {
            Effect::Rollback
        }
        "set" if words.next().is_some_and(|word| word.eq_ignore_ascii_case("transaction")) => {
            Effect::Savepoint
        }
        "prepare" => Effect::Names,
        "savepoint" | "release" => Effect::Savepoint,
        "set" | "reset" | "listen" | "unlisten" | "deallocate" | "discard" | "load" | "declare" | "do"
        | "call" => Effect::Session,
        "lock" | "unlock" | "flush" => Effect::Locks,
        "create" | "alter" | "drop" | "truncate" | "rename" | "comment" | "grant" | "revoke" | "reindex"
        | "import" | "refresh" | "analyze" | "optimize" | "repair" => {
            if is_temporary(sql) {
                Effect::Session
            } else {
                Effect::Schema
            }
        }
        first if !PLAIN.contains(&first) || leaves_something(sql) => Effect::Session,
        _ => Effect::None,
    }
}

/// Whether a statement may write rows.
#[cfg(feature = "mysql")]
pub(crate) fn may_write(sql: &str) -> bool {
    let first = words(sql).next().unwrap_or_default().to_ascii_lowercase();
    if first == "with" {
        let writes = ["insert", "update", "delete", "replace"];
        return words(sql).any(|word| writes.iter().any(|write| word.eq_ignore_ascii_case(write)));
    }
    !["select", "values", "table", "show", "explain", "describe", "desc", "set", "use"]
        .contains(&first.as_str())
}

/// Whether a statement gives rows that a cursor can be declared for.
pub(crate) fn is_query(sql: &str) -> bool {
    let first = words(sql).next().unwrap_or_default();
    ["select", "values", "with", "table"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Whether a statement does nothing but give rows, as many as it says that it was about.
#[cfg(feature = "postgres")]
pub(crate) fn only_gives_rows(sql: &str) -> bool {
    let first = words(sql).next().unwrap_or_default();
    let reads = ["select", "values", "table", "fetch", "show", "explain"];
    reads.iter().any(|word| first.eq_ignore_ascii_case(word)) && !mentions(sql, &["into"])
}

/// Whether a script may begin or end transactions.
pub(crate) fn has_transactions(script: &str) -> bool {
    mentions(script, &["begin", "start", "commit", "end", "rollback", "abort", "prepare"])
}

/// Whether a script may change the schema.
#[cfg(feature = "mysql")]
pub(crate) fn changes_schema(script: &str) -> bool {
    mentions(script, &["create", "alter", "drop", "truncate", "rename", "lock", "unlock", "grant", "revoke"])
}

/// Whether one of these stands in a script as a word, wherever that is.
fn mentions(script: &str, these: &[&str]) -> bool {
    let mut all = script.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    all.any(|word| these.iter().any(|this| word.eq_ignore_ascii_case(this)))
}

fn leaves_something(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    ["set_config", "advisory", "get_lock", "into temp"].iter().any(|word| lower.contains(word))
}

/// The words of a text, comments left out.
fn words(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        rest = skip_comments(rest);
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

fn skip_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ';'));
    loop {
        let after = if let Some(line) = rest.strip_prefix("--") {
            line.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(block) = rest.strip_prefix("/*") {
            block.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ';'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_by_first_words() {
        for (sql, expected) in [
            ("SELECT 1", Effect::None),
            ("-- hello\n /* x */ begin isolation level serializable", Effect::Begin),
            ("COMMIT", Effect::Commit),
            ("ROLLBACK", Effect::Rollback),
            ("ROLLBACK TO SAVEPOINT x", Effect::Restore),
            ("rollback work to x", Effect::Restore),
            ("RELEASE SAVEPOINT x", Effect::Savepoint),
            ("PREPARE TRANSACTION 'x'", Effect::Rollback),
            ("prepare x as select 1", Effect::Names),
            ("select set_config('a', 'b', false)", Effect::Session),
            ("CREATE TABLE t ()", Effect::Schema),
            ("create temporary table t ()", Effect::Session),
            ("create table templates ()", Effect::Schema),
            ("select temperature from attempts", Effect::None),
            ("COMMIT AND CHAIN", Effect::Begin),
            ("rollback and no chain", Effect::Rollback),
            ("LOCK TABLES t READ", Effect::Locks),
            ("USE other", Effect::Session),
            ("/*!40101 SET sql_mode = '' */", Effect::Session),
            ("/* a /* b */ c */ SET x = 1", Effect::Session),
            ("", Effect::Session),
            ("/* never closed", Effect::Session),
        ] {
            assert_eq!(effect(sql), expected, "{sql}");
        }
        assert!(is_query("(select 1) union select 2") && !is_query("insert into t values (1)"));
        assert!(has_transactions("select 1; COMMIT;") && !has_transactions("select 'committed'"));
    }
}
