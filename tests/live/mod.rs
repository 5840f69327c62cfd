//! Tests on real databases: each backend where the test is of the library, one where it is of a
//! dialect.

/// Wrong calls and hostile data.
mod bad_input;

/// Configurations, and which option wins.
mod config;

/// Faults that somebody found.
mod found;

/// Schemas of hostile names, made and made again.
mod generated;

/// SQLite's driver hacks.
mod hacks;

/// The pool on real servers.
mod pool;

/// Asking what there is.
mod inspecting;

/// What is declared on MySQL and MariaDB, as it is reflected.
mod quirks_mysql;

/// What is declared on PostgreSQL, as it is reflected.
mod quirks_postgres;

/// Reflection: cost, faults, relationships, a dialect of one's own.
mod reflecting;

/// What a server is told, and what happens when it fails.
mod servers;

/// Reflect, make, reflect again.
mod round_trip;

/// Sessions: units of work, changes, signals, relationships.
mod session;

/// Schemas as values.
mod snapshots;

/// Defining, creating, reading, writing.
mod tables;
mod tables_from_facts;

/// Faults that somebody found in the drivers of servers.
mod server_found;

/// Every type of every server.
mod server_values;

/// The tour, by URL.
mod tour;

/// INSERT, UPDATE and DELETE of the SQL toolkit.
mod writing;

/// Faults that somebody found in the SQL toolkit.
mod toolkit_found;

/// The plain parts of the SQL toolkit.
mod toolkit;

/// Expressions made by chance.
mod agreeing;

/// What a result gives.
mod results;

/// What a SELECT is made of.
mod selecting;

/// Expressions that databases spell differently.
mod forms;

/// SQL of the program's own, and statements as text.
mod texts;

/// Values in and out.
mod values;

/// Reflection of awkward schemas, a test for each row of `tests/quirks.md`.
mod quirks;

/// Servers that are killed, started again, full.
mod faults;

/// Encrypted connections.
mod tls;

/// URLs, engines, hooks of their pools, what they tell.
mod engine;

/// Errors and what they say.
mod errors;
mod expressions;

/// Statements that take too long.
mod time_limits;

/// Transactions of connections.
mod transactions;
mod translating;
