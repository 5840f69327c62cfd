//! Another schema beside the default one, and other engines for the same database.

use mirrorm::engine::EngineOptions;
use mirrorm::prelude::*;

use super::On;

/// A schema that is made and, at the end, dropped.
pub(super) struct Schema<'d> {
    db: &'d Db,
    pub(super) name: String,
}

impl<'d> Schema<'d> {
    /// MySQL's schemas are the server's, so the name begins with the own one's there.
    pub(super) fn new(on: &On<'d>, name: &str) -> Schema<'d> {
        let db = on.db;
        let (name, script) = match on.dialect() {
            "sqlite" => (name.to_string(), format!("ATTACH ':memory:' AS {name}")),
            "mysql" => {
                let name = format!("{}_{name}", database(on));
                (name.clone(), format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}"))
            }
            _ => (name.to_string(), format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}")),
        };
        db.execute_script(&script).unwrap();
        Schema { db, name }
    }

    /// What makes it the default schema of a connection.
    pub(super) fn chosen(&self) -> String {
        match crate::support::dialect(self.db) {
            "postgresql" => format!("SET search_path TO {}", self.name),
            _ => format!("USE {}", self.name),
        }
    }
}

impl Drop for Schema<'_> {
    fn drop(&mut self) {
        let name = &self.name;
        let script = match crate::support::dialect(self.db) {
            "sqlite" => return,
            "mysql" => format!("DROP DATABASE {name}"),
            _ => format!("DROP SCHEMA {name} CASCADE"),
        };
        let _ = self.db.execute_script(&script);
    }
}

/// The name of the database of a server.
fn database(on: &On<'_>) -> String {
    let sql = if on.dialect() == "mysql" { "SELECT DATABASE()" } else { "SELECT current_database()" };
    on.db.query_text(sql, ()).unwrap().one().unwrap().get(0).unwrap()
}

/// The URL of the database; of SQLite, that of another one in memory.
pub(super) fn url_of(on: &On<'_>) -> String {
    let shown = on.db.engine().unwrap().describe();
    let servers = ["POSTGRES_TEST_URL", "POSTGRES18_TEST_URL", "MARIADB_TEST_URL", "MYSQL_TEST_URL"];
    let place = |url: &str| url.rsplit_once('@').and_then(|(_, at)| at.split('/').next().map(str::to_string));
    let own = |url: &String| place(url).is_some_and(|place| shown.contains(&place));
    match servers.iter().filter_map(|name| std::env::var(name).ok()).find(own) {
        Some(url) => format!("{}/{}", url.rsplit_once('/').unwrap().0, database(on)),
        None => "sqlite://".to_string(),
    }
}

/// The same tables with another engine for the database, made where it is empty.
pub(super) fn other(on: &On<'_>, options: EngineOptions) -> Db {
    let db = on.db.with_config(Config::new().url(&url_of(on)).options(options)).unwrap();
    db.create_all().unwrap();
    db
}
