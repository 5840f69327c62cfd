//! Scratch databases of SQLite, for the suite that loops over all backends.

/// URLs of empty databases for tests: one in memory, one in this folder.
pub fn scratch_urls(folder: &std::path::Path) -> Vec<String> {
    vec!["sqlite://".to_string(), super::url_of_path(&folder.join("scratch.db"))]
}
