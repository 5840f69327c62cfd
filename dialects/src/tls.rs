//! TLS: what URLs say of it, and what the drivers' `rustls` is told. The same words for all servers.
//!
//! | `sslmode` | encrypted | the server is who it says |
//! |---|---|---|
//! | `disable` | no | – |
//! | `prefer`, the default | if the server can | – |
//! | `require` | yes | as `verify-ca` where a CA file is given |
//! | `verify-ca` | yes | its certificate is signed by somebody in the CA file; not on MySQL |
//! | `verify-full` | yes | and is that of the host in the URL |
//!
//! (postgresql.org/docs/current/libpq-ssl.html, which MySQL's `--ssl-mode` agrees with.) Trusted are the
//! certificates of `sslrootcert`, in PEM; without one, Mozilla's. MySQL's driver trusts Mozilla's beside the
//! file's: there a signature alone says nothing, so `verify-ca` is refused and `require` with a CA file looks
//! at the name too. `sslcert` and `sslkey` are our own certificate, for servers that ask for one. Sockets of
//! this machine are never encrypted.

use std::path::PathBuf;

use mirrorm_core::{Error, ErrorKind, Result};

use crate::parameters::wrong;

/// How much of it a connection has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// What a URL says of TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(crate) mode: Mode,
    roots: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Tls {
    /// The names of its parameters: libpq's, and those that MySQL's users know.
    pub(crate) const NAMES: &[&str] =
        &["sslmode", "sslrootcert", "sslcert", "sslkey", "ssl_ca", "ssl_cert", "ssl_key"];

    /// Takes a parameter; whether it is one.
    pub(crate) fn take(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "sslmode" => {
                self.mode = match value {
                    "disable" => Mode::Disable,
                    "prefer" => Mode::Prefer,
                    "require" => Mode::Require,
                    "verify-ca" => Mode::VerifyCa,
                    "verify-full" => Mode::VerifyFull,
                    _ => return Err(wrong(name, value, "disable, prefer, require, verify-ca, verify-full")),
                }
            }
            "sslrootcert" | "ssl_ca" => self.roots = Some(value.into()),
            "sslcert" | "ssl_cert" => self.certificate = Some(value.into()),
            "sslkey" | "ssl_key" => self.key = Some(value.into()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Looks at all that was said, when the library was built with TLS for a dialect or without.
    pub(crate) fn complete(&mut self, is_built: bool, dialect: &'static str) -> Result<()> {
        if !is_built && self.mode > Mode::Prefer {
            let missing = "TLS, for the program was built without its feature (`postgres-tls`, `mysql-tls`)";
            return Err(Error::unsupported(missing, dialect));
        }
        if !is_built {
            self.mode = Mode::Disable;
            return Ok(());
        }
        self.settle_trust(dialect)?;
        for file in [&self.roots, &self.certificate, &self.key].into_iter().flatten() {
            std::fs::File::open(file).map_err(|e| unreadable(file, &e))?;
        }
        if self.certificate.is_some() != self.key.is_some() {
            let message = "a certificate of one's own takes both `sslcert` and `sslkey`";
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(())
    }
}

impl Tls {
    /// Whom a certificate has to be signed by, and what it has to name.
    fn settle_trust(&mut self, dialect: &'static str) -> Result<()> {
        let only_these = dialect != "mysql";
        match (self.mode, self.roots.is_some()) {
            (Mode::Require, true) if only_these => self.mode = Mode::VerifyCa,
            (Mode::Require, true) => self.mode = Mode::VerifyFull,
            (Mode::VerifyCa, _) if !only_these => {
                let missing = "sslmode=verify-ca, which would trust any public authority: verify-full";
                return Err(Error::unsupported(missing, dialect));
            }
            (Mode::VerifyCa, false) => {
                let message = "sslmode=verify-ca takes the authority's file, `sslrootcert`: anybody can have a \
                               certificate of a public one";
                return Err(Error::new(ErrorKind::Config, message));
            }
            _ => {}
        }
        Ok(())
    }
}

fn unreadable(file: &std::path::Path, cause: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("the file `{}`: {cause}", file.display()))
}

/// Whether a connection failed because the two could not agree on TLS: one that only prefers it goes on
/// without.
#[cfg(any(feature = "postgres-tls", feature = "mysql-tls"))]
pub(crate) fn is_refusal(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inside| inside.is::<rustls::Error>())
}

#[cfg(feature = "mysql-tls")]
impl Tls {
    /// For the driver of MySQL, which reads the files itself and trusts Mozilla's beside what is given. It
    /// takes the program's own provider of ciphers, or ring where the program has not chosen.
    pub(crate) fn mysql(&self) -> Option<mysql::SslOpts> {
        if self.mode == Mode::Disable {
            return None;
        }
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have been faster, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let identity = self.certificate.clone().zip(self.key.clone());
        let options = mysql::SslOpts::default()
            .with_root_cert_path(self.roots.clone())
            .with_client_identity(identity.map(|(own, key)| mysql::ClientIdentity::new(own, key)))
            .with_danger_accept_invalid_certs(self.mode < Mode::VerifyCa)
            .with_danger_skip_domain_validation(self.mode < Mode::VerifyFull);
        Some(options)
    }
}

#[cfg(feature = "postgres-tls")]
pub(crate) use client::config;

/// A configuration of `rustls`.
#[cfg(feature = "postgres-tls")]
mod client {
    use std::path::Path;
    use std::sync::Arc;

    use mirrorm_core::Result;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
    use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

    use super::{Mode, Tls, unreadable};

    /// What a connection of these wishes is made with.
    pub(crate) fn config(tls: &Tls) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(roots(tls)?);
        let refused =
            |e: &dyn std::fmt::Display| unreadable(tls.roots.as_deref().unwrap_or(Path::new("")), e);
        let known = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
        let known = known.build().map_err(|e| refused(&e))?;
        let trust = Trust { mode: tls.mode, known, provider: provider.clone() };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| refused(&e))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust));
        let Some((own, key)) = tls.certificate.as_deref().zip(tls.key.as_deref()) else {
            return Ok(config.with_no_client_auth());
        };
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|e| unreadable(key, &e))?;
        config.with_client_auth_cert(certificates(own)?, secret).map_err(|e| unreadable(own, &e))
    }

    /// Whom to trust.
    fn roots(tls: &Tls) -> Result<RootCertStore> {
        let Some(file) = &tls.roots else {
            return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|e| unreadable(file, &e))?;
        }
        Ok(roots)
    }

    fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
        let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let found = found.map_err(|e| unreadable(file, &e))?;
        if found.is_empty() {
            return Err(unreadable(file, &"it holds no certificate in PEM"));
        }
        Ok(found)
    }

    /// Asks of a server's certificate what the mode asks.
    #[derive(Debug)]
    struct Trust {
        mode: Mode,
        known: Arc<WebPkiServerVerifier>,
        provider: Arc<CryptoProvider>,
    }

    impl ServerCertVerifier for Trust {
        fn verify_server_cert(
            &self,
            own: &CertificateDer<'_>,
            between: &[CertificateDer<'_>],
            name: &ServerName<'_>,
            ocsp: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            use CertificateError::{NotValidForName, NotValidForNameContext};
            if self.mode < Mode::VerifyCa {
                return Ok(ServerCertVerified::assertion());
            }
            match self.known.verify_server_cert(own, between, name, ocsp, now) {
                Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
                    if self.mode == Mode::VerifyCa =>
                {
                    Ok(ServerCertVerified::assertion())
                }
                verdict => verdict,
            }
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            own: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            if self.mode < Mode::VerifyCa {
                // Certificates of old forms are read by nobody then.
                return Ok(HandshakeSignatureValid::assertion());
            }
            verify_tls12_signature(message, own, signed, &self.provider.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            own: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            if self.mode < Mode::VerifyCa {
                return Ok(HandshakeSignatureValid::assertion());
            }
            verify_tls13_signature(message, own, signed, &self.provider.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "postgres")]
    #[test]
    fn what_the_library_was_built_without() {
        use mirrorm_core::dialect::{Dialect, Url};
        use mirrorm_core::engine::EngineOptions;
        let open = |mode: &str| {
            let url = Url::parse(&format!("postgres://h/d?sslmode={mode}")).unwrap();
            crate::postgres::Postgres.connector(&url, &EngineOptions::new()).map(drop)
        };
        let kinds =
            ["disable", "prefer", "require", "verify-full"].map(|mode| open(mode).err().map(|e| e.kind()));
        let missing = !cfg!(feature = "postgres-tls");
        assert_eq!(
            kinds.map(|kind| matches!(kind, Some(ErrorKind::Unsupported { .. }))),
            [false, false, missing, missing]
        );
    }

    #[test]
    fn the_words() {
        let mut tls = Tls::default();
        assert!(tls.take("sslmode", "require").unwrap() && tls.take("ssl_ca", file!()).unwrap());
        assert!(!tls.take("ssl", "on").unwrap());
        let wrong = Tls::default().take("sslmode", "on").unwrap_err();
        assert!(wrong.message().contains("verify-full"), "{wrong}");
    }
}
