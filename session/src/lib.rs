//! The `Db` of `mirrorm` and its session: records, changes, signals, relationships. **Use the crate
//! `mirrorm`.**
//!
//! | module | what |
//! |---|---|
//! | `db`, `config`, `engines` | databases and a registry of tables under one roof |
//! | `session`, `savepoint`, `membership`, `inner` | the verbs, and the lock and books behind them |
//! | `wires`, `on_bind` | the connections of a session, one for each database it uses |
//! | `record`, `batch`, `key`, `identity`, `load` | rows as records |
//! | `query` | queries for records |
//! | `flush` | what was changed, put in order and sent |
//! | `commit`, `delivery`, `rollback` | how a transaction ends |
//! | `changes`, `signal` | what happened, and who is told |
//! | `relation` | relationships: which there are, reading and writing them |

#![forbid(unsafe_code)]

mod assigned;
mod batch;
mod bulk;
mod changes;
mod columns;
mod commit;
mod config;
mod db;
mod delivery;
mod engines;
mod flush;
mod history;
mod identity;
mod inner;
mod inserted;
mod key;
mod load;
mod log;
mod membership;
mod model;
mod named_signal;
mod naming;
mod on_bind;
mod outbox;
mod overlay;
mod partial;
mod query;
mod record;
mod record_signal;
mod refresh;
mod relation;
mod restrict;
mod rollback;
mod route;
mod savepoint;
mod session;
mod several;
mod signal;
mod statement_signal;
mod wires;

pub use changes::{Change, Changes, Diff, DiffIter, FieldDiff};
pub use commit::Committed;
pub use config::{Binds, Config};
pub use db::{Db, Identity};
pub use engines::{Hooks, Swap};
pub use history::FieldChange;
pub use inserted::InsertRecords;
pub use key::IntoKey;
pub use model::Model;
pub use named_signal::{NamedChange, NamedSignal, OfNamed, RelatedChange};
pub use naming::table_name_of;
pub use on_bind::OnBind;
pub use outbox::{Outbox, OutboxEntry};
pub use query::Query;
pub use record::{NewRecord, Record, RecordState};
pub use record_signal::{OfRecords, RecordSignal};
pub use relation::{AskRelated, OnParentDelete, RelationshipParts, relationship};
pub use route::Route;
pub use savepoint::Savepoint;
pub use session::{Session, SessionOptions};
pub use signal::{
    BoxError, ChangesSignal, FailureSignal, FlushSignal, Narrowed, Signals, Subscription, Transition,
    TransitionSignal, Verdict,
};
pub use statement_signal::{BeginSignal, QuerySignal};
