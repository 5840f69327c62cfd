//! Opening connections to one PostgreSQL location, encrypted or not.

use mirrorm_core::Result;
use mirrorm_core::dialect::{Connection, Connector};
use postgres::{Client, NoTls};

use super::driver::{PostgresConnection, off_runtime};
use super::errors::from_connecting;
use super::location::Location;

/// Opens connections to one location.
pub(super) struct Opener {
    location: Location,
    #[cfg(feature = "postgres-tls")]
    tls: Option<tokio_postgres_rustls::MakeRustlsConnect>,
}

impl Opener {
    #[cfg(feature = "postgres-tls")]
    /// One for a location; files of certificates are read here.
    pub(super) fn new(location: Location) -> Result<Opener> {
        let wanted = location.tls.mode != crate::tls::Mode::Disable;
        let config = wanted.then(|| crate::tls::config(&location.tls)).transpose()?;
        Ok(Opener { location, tls: config.map(tokio_postgres_rustls::MakeRustlsConnect::new) })
    }

    #[cfg(not(feature = "postgres-tls"))]
    /// One for a location; files of certificates are read here.
    pub(super) fn new(location: Location) -> Result<Opener> {
        Ok(Opener { location })
    }

    #[cfg(feature = "postgres-tls")]
    fn client(&self) -> Result<Client, postgres::Error> {
        let config = &self.location.config;
        let Some(tls) = &self.tls else { return config.connect(NoTls) };
        config.connect(tls.clone()).or_else(|error| {
            let inside = std::error::Error::source(&error).and_then(|e| e.downcast_ref());
            match inside.is_some_and(crate::tls::is_refusal)
                && self.location.tls.mode == crate::tls::Mode::Prefer
            {
                true => config.clone().ssl_mode(postgres::config::SslMode::Disable).connect(NoTls),
                false => Err(error),
            }
        })
    }

    #[cfg(not(feature = "postgres-tls"))]
    fn client(&self) -> Result<Client, postgres::Error> {
        self.location.config.connect(NoTls)
    }
}

impl Connector for Opener {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        let client = off_runtime(|| self.client().map_err(from_connecting))?;
        Ok(Box::new(PostgresConnection::new(client, self.location.statements)))
    }

    fn describe(&self) -> String {
        self.location.shown.clone()
    }
}
