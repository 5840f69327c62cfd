//! `mirrorm`: looks at a database from the command line.
//!
//! Here is what the commands take and what the process answers; `inspect`, `diff` and `query` do the work,
//! `diagram` writes the sources of pictures, `picture` draws one. Databases are opened for reading only: nothing is created and
//! nothing changed.
//!
//! Exit codes: 0 done, 1 the database or the statement failed, 2 the call was wrong. Of `diff`: 0 no
//! difference, 1 some, 2 trouble.

mod diagram;
mod diff;
mod inspect;
mod picture;
mod query;
mod source;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;

/// Looks at a database nobody described: tables, keys, relationships, rows.
#[derive(Parser)]
#[command(name = "mirrorm", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows tables with their columns, keys, indexes and relationships.
    Inspect {
        /// The database: a URL such as sqlite:///shop.db, or the path of a file.
        url: String,
        /// Only this table or view.
        #[arg(long)]
        table: Option<String>,
        /// Another schema than the default one.
        #[arg(long)]
        schema: Option<String>,
        /// How to show it: text for people, json for other tools, sql to make it again, rust for the
        /// source that defines it in a program, snapshot to keep and compare it, mermaid and dot for
        /// pictures that others draw, svg for one that is drawn.
        #[arg(long, value_enum, default_value_t = Shape::Text)]
        format: Shape,
        /// With sql, for another database than it is of: sqlite, postgresql or mysql. What is not the same
        /// there stands before the statements, each as a comment.
        #[arg(long)]
        dialect: Option<String>,
        /// Counts the rows of each table too.
        #[arg(long)]
        rows: bool,
    },
    /// Compares two schemas: what the second has otherwise than the first, one difference a line.
    ///
    /// Exit code 0 when there is none, 1 when there are some, 2 when something went wrong.
    Diff {
        /// A URL, the path of a database file, or of a snapshot that `inspect --format snapshot` printed.
        before: String,
        /// Another one.
        after: String,
        /// Another schema than the default one.
        #[arg(long)]
        schema: Option<String>,
    },
    /// Runs a statement that reads, and shows its rows.
    Query {
        /// The database: a URL such as sqlite:///shop.db, or the path of a file.
        url: String,
        /// The statement.
        sql: String,
        /// How to show the rows.
        #[arg(long, value_enum, default_value_t = RowsShape::Table)]
        format: RowsShape,
    },
}

/// How `inspect` shows a schema.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Aligned text.
    Text,
    /// One JSON document, format schema-oracle/1.
    Json,
    /// The statements that make it again.
    Sql,
    /// A module of Rust that defines the tables.
    Rust,
    /// One JSON document that `diff` and programs read again.
    Snapshot,
    /// An entity-relationship diagram for Mermaid.
    Mermaid,
    /// A graph for Graphviz.
    Dot,
    /// A picture: tables as boxes, keys as arrows.
    Svg,
}

/// How `query` shows rows.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum RowsShape {
    /// A table for people.
    Table,
    /// Comma-separated values with a header; NULL is an empty field, an empty text is `""`.
    Csv,
    /// A list of objects.
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let is_diff = matches!(cli.command, Command::Diff { .. });
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = run(cli.command, &mut out).and_then(|code| Ok(out.flush().map(|()| code)?));
    match done {
        Ok(code) => code,
        // Whoever read us has read enough, as `head` does.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Output(error)) => fail(&error, if is_diff { 2 } else { 1 }),
        Err(Failure::Database(error)) => {
            fail(&error, if is_diff || error.kind() == ErrorKind::Config { 2 } else { 1 })
        }
    }
}

fn fail(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "mirrorm: {}", one_line(&error.to_string()));
    ExitCode::from(code)
}

/// What can go wrong: the database, or writing to the terminal.
enum Failure {
    Database(Error),
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Database(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

fn run(command: Command, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    match command {
        Command::Inspect { url, table, schema, format, dialect, rows } => {
            let request = inspect::Request { table, schema, dialect, rows };
            inspect::inspect(&open(&url)?, &request, format, out)?;
        }
        Command::Diff { before, after, schema } => {
            let differs = diff::diff(&before, &after, schema.as_deref(), out)?;
            return Ok(ExitCode::from(u8::from(differs)));
        }
        Command::Query { url, sql, format } => query::query(&open(&url)?, &sql, format, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a database for reading only. What is the path of a file, or looks like one, is one.
fn open(text: &str) -> Result<Db> {
    let is_path = Path::new(text).exists() || !text.contains(':');
    let url = if is_path { mirrorm::dialect::sqlite::url_of_path(Path::new(text)) } else { text.to_string() };
    Db::open_with(&url, EngineOptions::new().read_only(true).create(false))
}

/// Text on one line: line breaks, escapes of terminals and marks that turn the direction of writing
/// are shown, not obeyed.
fn one_line(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        if c.is_control() || turns(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}
