//! Encrypted connections, to servers with a certificate of our own making.

use std::path::Path;

use mirrorm::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::own_server::{OwnServer, each_own_server};
use crate::support::{each_server_url, is_postgres};

/// Somebody who signs certificates, with its own in a file.
fn authority(name: &str, file: &Path) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    std::fs::write(file, params.self_signed(&key).unwrap().pem()).unwrap();
    Issuer::new(params, key)
}

/// A certificate for names, and its key.
fn signed(issuer: &Issuer<'_, KeyPair>, common: &str, names: &[&str], folder: &Path, file: &str) {
    let mut params =
        CertificateParams::new(names.iter().map(|name| name.to_string()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.push(DnType::CommonName, common);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    std::fs::write(folder.join(format!("{file}.pem")), certificate.pem()).unwrap();
    std::fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
}

/// `ca.pem` of who signed `server.pem` and `own.pem`, and `other.pem` of somebody else.
fn certificates(folder: &Path) {
    let issuer = authority("ours", &folder.join("ca.pem"));
    signed(&issuer, "server", &["localhost"], folder, "server");
    signed(&issuer, "certified", &[], folder, "own");
    authority("somebody", &folder.join("other.pem"));
    std::fs::write(folder.join("no.pem"), "no certificate").unwrap();
}

/// Whether the server says that a connection is encrypted.
fn is_encrypted(server: &OwnServer, url: &str) -> Result<bool> {
    let db = Db::open(url)?;
    let sql = match server.is_postgres() {
        true => "SELECT 'ssl', version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        false => "SHOW SESSION STATUS LIKE 'Ssl_version'",
    };
    let version: Option<String> = db.query_text(sql, ())?.one()?.get(1)?;
    Ok(version.is_some_and(|version| version.starts_with("TLSv1.")))
}

#[test]
fn connections_to_a_server_with_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    each_own_server(Some(folder.path()), |server| {
        let url = |host: &str, query: &str| server.with(query).replace("127.0.0.1", host);
        let (number, name) = ("127.0.0.1", "localhost");
        let ca = format!("&sslrootcert={}", file("ca.pem"));
        for (host, query, encrypted) in [
            (number, "pool_size=1".to_string(), true),
            (number, "sslmode=prefer".to_string(), true),
            (number, "sslmode=disable".to_string(), false),
            (number, "sslmode=require".to_string(), true),
            (name, format!("sslmode=require{ca}"), true),
            (name, format!("sslmode=require&ssl_ca={}", file("ca.pem")), true),
            (name, format!("sslmode=verify-full{ca}"), true),
        ] {
            assert_eq!(is_encrypted(&server, &url(host, &query)).unwrap(), encrypted, "{query}");
        }
        for (host, query, says) in [
            (number, format!("sslmode=verify-full{ca}"), "not valid for name"),
            (name, "sslmode=verify-full".to_string(), "UnknownIssuer"),
            (number, format!("sslmode=require&sslrootcert={}", file("other.pem")), "UnknownIssuer"),
        ] {
            let error = Db::open(&url(host, &query)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Open, "{query}: {error}");
            assert!(error.message().contains(says), "{query}: {error}");
        }
        let signed = Db::open(&url(number, &format!("sslmode=verify-ca{ca}")));
        let wrong = Db::open(&url(number, &format!("sslmode=verify-ca&ssl_ca={}", file("other.pem"))));
        let unsaid = Db::open(&url(number, "sslmode=verify-ca")).map_err(|error| error.kind());
        if server.is_postgres() {
            assert!(signed.is_ok() && wrong.unwrap_err().message().contains("UnknownIssuer"));
            assert_eq!(unsaid.unwrap_err(), ErrorKind::Config);
            let named = Db::open(&url(number, &format!("sslmode=require{ca}")));
            assert!(named.is_ok(), "signed is enough, whatever it is for");
        } else {
            assert!(matches!(signed.unwrap_err().kind(), ErrorKind::Unsupported { .. }));
            assert!(matches!(unsaid.unwrap_err(), ErrorKind::Unsupported { .. }));
        }
        asks_for_a_certificate(&server, &ca, &file);
    });
}

/// A user of the server who has to show a certificate.
fn asks_for_a_certificate(server: &OwnServer, ca: &str, file: &dyn Fn(&str) -> String) {
    let admin = Db::open(&server.url).unwrap();
    let user = match server.is_postgres() {
        true => "CREATE USER certified",
        false => "CREATE USER certified@'%' REQUIRE X509",
    };
    admin.execute(user, ()).unwrap();
    let (front, rest) = server.url.split_once("://").unwrap();
    let (_, host) = rest.split_once('@').unwrap();
    let host = if server.is_postgres() { host } else { host.trim_end_matches("mysql") };
    let host = host.replace("127.0.0.1", "localhost");
    let without = format!("{front}://certified@{host}?sslmode=verify-full{ca}");
    assert_eq!(Db::open(&without).unwrap_err().kind(), ErrorKind::Open);
    let with = format!("{without}&sslcert={}&sslkey={}", file("own.pem"), file("own.key"));
    assert!(is_encrypted(server, &with).unwrap());
}

#[test]
fn a_server_without_a_certificate() {
    each_server_url(|url| {
        let error = Db::open(&format!("{url}?sslmode=require")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Open, "{error}");
        let says = if is_postgres(url) { "does not support TLS" } else { "requires secure connection" };
        assert!(error.message().contains(says), "{error}");
        Db::open(&format!("{url}?sslmode=prefer")).unwrap();
    });
}

#[test]
fn files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    for url in ["postgres://127.0.0.1:1/x", "mysql://127.0.0.1:1/x"] {
        let mut wrong = vec![
            (format!("sslrootcert={}", file("nowhere.pem")), "nowhere.pem"),
            (format!("sslcert={}", file("own.pem")), "sslkey"),
            ("sslmode=perhaps".to_string(), "verify-full"),
        ];
        if is_postgres(url) {
            wrong.push((format!("sslrootcert={}", file("no.pem")), "no certificate in PEM"));
            wrong.push((format!("sslcert={}&sslkey={}", file("own.pem"), file("ca.pem")), "ca.pem"));
            wrong.push((format!("sslcert={}&sslkey={}", file("own.pem"), file("server.key")), "own.pem"));
        }
        for (query, says) in wrong {
            let error = Db::open(&format!("{url}?{query}")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{query}: {error}");
            assert!(error.message().contains(says), "{query}: {error}");
        }
    }
}

/// A server that says it speaks TLS and then refuses: who only prefers it goes on without.
#[test]
fn a_server_that_does_not_agree() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let mut first = [0; 8];
        let (mut client, _) = listener.accept().unwrap();
        client.read_exact(&mut first).unwrap();
        // An alert: handshake_failure (RFC 8446, 6.2).
        client.write_all(b"S\x15\x03\x03\x00\x02\x02\x28").unwrap();
        let (mut client, _) = listener.accept().unwrap();
        let mut second = [0; 8];
        client.read_exact(&mut second).unwrap();
        (first, second)
    });
    let url = format!("postgres://ann@127.0.0.1:{port}/x");
    assert_eq!(
        Db::open(&url).unwrap_err().kind(),
        ErrorKind::Open,
        "this server hangs up on plain words too"
    );
    let (first, second) = server.join().unwrap();
    assert_eq!(first[4..], 80_877_103_u32.to_be_bytes(), "asks for TLS (manual, 55.7)");
    assert_eq!(second[4..], 196_608_u32.to_be_bytes(), "then begins without");
}
