//! Results: blocks of cells, rows as handles into them, and both through serde.

mod block;
mod buffer;
mod cell;
mod columns;
mod de;
mod failure;
mod result;
mod row;
mod ser;

pub use block::{Block, BlockBuilder};
pub use buffer::{IntoCell, RowBuffer};
pub use columns::{ColumnInfo, ColumnOrigin, Columns};
pub use result::{RowStream, Rows, RowsIter};
pub use row::{ColumnIndex, Row};
pub use ser::to_values;
