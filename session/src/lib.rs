//! The `Db` of `mirrorm`: an engine and a registry of tables under one roof. **Use the crate
//! `mirrorm`.**

#![forbid(unsafe_code)]

mod db;

pub use db::Db;
