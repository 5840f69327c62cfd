//! A connection that is no more: what stands in the place of one that went back to the pool.

use std::any::Any;
use std::ops::Range;

use crate::dialect::{Connection, Cursor, Done, Request};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::RowBuffer;

/// Answers everything with `Disconnected`.
pub(super) struct Closed;

fn closed() -> Error {
    Error::new(ErrorKind::Disconnected, "the connection was closed")
}

impl Connection for Closed {
    fn query(&self, _: &Request<'_>, _: &mut dyn FnMut(&mut dyn Cursor) -> Result<()>) -> Result<()> {
        Err(closed())
    }

    fn execute(&self, _: &Request<'_>) -> Result<Done> {
        Err(closed())
    }

    fn execute_many(
        &self,
        _: &str,
        _: usize,
        _: &RowBuffer,
        _: Range<usize>,
        _: Option<&mut Vec<i64>>,
    ) -> Result<u64> {
        Err(closed())
    }

    fn script(&self, _: &str) -> Result<()> {
        Err(closed())
    }

    fn set_read_only(&self, _: bool) -> Result<()> {
        Err(closed())
    }

    fn in_transaction(&self) -> bool {
        false
    }

    fn reset(&self) -> Result<bool> {
        Err(closed())
    }

    fn is_alive(&self) -> bool {
        false
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
