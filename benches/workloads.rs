//! Workloads, by hand: `cargo bench --bench workloads -- --table`.
fn main() {}
