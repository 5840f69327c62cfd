//! Scratch databases of PostgreSQL, for the suite that loops over all backends.

use mirrorm_core::Result;
use mirrorm_core::dialect::{Connection, Connector, Url};
use mirrorm_core::engine::EngineOptions;

use super::location::Location;
use super::opener::Opener;

/// An empty database on a server, dropped when this is.
#[derive(Debug)]
pub struct Scratch {
    server: String,
    name: String,
}

impl Scratch {
    /// Makes one; the URL is of any database of the server, whose user may make others.
    ///
    /// # Errors
    /// The server's.
    pub fn new(server: &str, name: &str) -> Result<Scratch> {
        let scratch = Scratch { server: server.to_string(), name: name.to_string() };
        let connection = connect(server)?;
        connection.script(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(scratch)
    }

    /// The URL of the database.
    pub fn url(&self) -> String {
        crate::scratch::url_of(&self.server, &self.name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test that failed tells more than a database that stays.
        let _ = connect(&self.server)
            .and_then(|connection| connection.script(&format!("DROP DATABASE {} WITH (FORCE)", self.name)));
    }
}

fn connect(url: &str) -> Result<Box<dyn Connection>> {
    let location = Location::read(&Url::parse(url)?, &mut EngineOptions::new())?;
    Opener::new(location)?.connect()
}
