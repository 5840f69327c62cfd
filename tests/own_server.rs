//! Servers that belong to one test, which may kill them: `scripts/servers own`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// A server, gone when this is.
pub(crate) struct OwnServer {
    folder: PathBuf,
    /// Its URL, with the right to do anything.
    pub(crate) url: String,
}

/// Runs a test with a server of its own of every kind that is installed, all at once. They are started
/// where the variable OWN_SERVERS says that tests run on servers.
pub(crate) fn each_own_server(certificates: Option<&Path>, test: impl Fn(OwnServer) + Sync) {
    each_of(&["postgresql", "postgresql-18", "mariadb", "mysql"], certificates, test);
}

/// The same with servers that keep names of tables in small letters.
pub(crate) fn each_folding_server(test: impl Fn(OwnServer) + Sync) {
    each_of(&["mariadb-folded", "mysql-folded"], None, test);
}

fn each_of(kinds: &[&str], certificates: Option<&Path>, test: impl Fn(OwnServer) + Sync) {
    if std::env::var_os("OWN_SERVERS").is_none() {
        return;
    }
    // One test at a time: a server takes a second to start and a hundred megabytes.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for kind in kinds {
            let test = &test;
            let name = std::thread::Builder::new().name(kind.to_string());
            let run = move || match OwnServer::start(kind, certificates) {
                Some(server) => test(server),
                None => println!("{kind} is not installed"),
            };
            name.spawn_scoped(scope, run).unwrap();
        }
    });
}

impl OwnServer {
    fn start(kind: &str, certificates: Option<&Path>) -> Option<OwnServer> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let shelf = std::env::var("OWN_SERVERS").unwrap();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(shelf).join(format!("own-{}-{number}", std::process::id()));
        let mut command = script("own", &folder);
        let done = command.arg(kind).args(certificates).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).trim().to_string();
        match done.status.code() {
            Some(0) => Some(OwnServer { folder, url: said }),
            Some(3) => None,
            _ => panic!("{kind}: {}", String::from_utf8_lossy(&done.stderr)),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// Its URL with parameters.
    pub(crate) fn with(&self, query: &str) -> String {
        format!("{}?{query}", self.url)
    }

    /// The URL of a pooler before it that gives every transaction another connection; none is installed
    /// everywhere.
    pub(crate) fn pooler(&self) -> Option<String> {
        let done = script("pooler", &self.folder).output().unwrap();
        match done.status.code() {
            Some(0) => Some(String::from_utf8_lossy(&done.stdout).trim().to_string()),
            Some(3) => None,
            _ => panic!("{}", String::from_utf8_lossy(&done.stderr)),
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&self) {
        assert!(script("kill", &self.folder).status().unwrap().success());
    }

    /// Starts it again where it was.
    pub(crate) fn start_again(&self) {
        let done = script("again", &self.folder).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The socket it listens at on this machine: of PostgreSQL the folder that it is in.
    pub(crate) fn socket(&self) -> PathBuf {
        let own = self.folder.join("server");
        if self.is_postgres() { own } else { own.join("s.sock") }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = script("stop", &self.folder).status();
    }
}

fn script(verb: &str, folder: &Path) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/servers"));
    command.arg(verb).arg(folder);
    command
}
