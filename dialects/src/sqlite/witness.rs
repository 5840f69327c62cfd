//! A file that is read without locks, and whether somebody wrote it meanwhile.
//!
//! Reading a database in WAL mode makes `-wal` and `-shm` beside it, unless it is opened as immutable
//! (sqlite.org/wal.html, 9), which takes no locks and trusts that nobody writes. Nobody promises
//! that. So the file is opened that way only while its WAL is empty, and a witness says whether it
//! is still the same: every write makes the WAL longer before it changes the file.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file looked like when it was opened.
pub(super) struct Witness {
    path: PathBuf,
    wal: PathBuf,
    seen: (u64, SystemTime),
}

impl Witness {
    /// The witness of a database in WAL mode with nothing in its WAL; none for any other, which is
    /// opened with locks.
    pub(super) fn of_idle_wal(path: &Path) -> Option<Witness> {
        let seen = look(path)?;
        let mut header = [0u8; 20];
        let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
        // The last two of these bytes are the format's version: 2 is WAL (sqlite.org/fileformat.html, 1.3).
        if read.is_err() || !matches!(header, [.., 2, 2]) {
            return None;
        }
        let mut wal = path.as_os_str().to_os_string();
        wal.push("-wal");
        let witness = Witness { path: path.to_path_buf(), wal: wal.into(), seen };
        witness.holds().then_some(witness)
    }

    /// Whether nobody has written since.
    pub(super) fn holds(&self) -> bool {
        let empty = fs::metadata(&self.wal).map_or(true, |found| found.len() == 0);
        empty && look(&self.path) == Some(self.seen)
    }
}

fn look(path: &Path) -> Option<(u64, SystemTime)> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), found.modified().ok()?))
}
