//! Databases for tests beside others on one server. Shared by the servers' `testing`.

/// The URL of another database of the server of a URL.
pub(crate) fn url_of(server: &str, name: &str) -> String {
    let (front, query) = server.split_once('?').unwrap_or((server, ""));
    let base = front.rfind('/').map_or(front, |at| front.get(..at).unwrap_or(front));
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{base}/{name}{query}")
}
