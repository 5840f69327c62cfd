//! The session on every backend. The tables all tests share are made here.

use mirrorm::prelude::*;

/// States, identity, staleness, queries.
mod records;

/// Flush: order, batches, what comes back, what fails.
mod flushing;

/// Conditions on what relationships lead to.
mod asked;

/// Relationships: reading and writing them.
mod relations;

/// What is reported of what was done, in log mode and in net mode.
mod reported;

/// Receivers that veto, write, query, re-enter, fail and panic.
mod receivers;

/// Faults that somebody found.
mod found;
/// Those of relationships.
mod found_relations;

/// What is written while a session flushes.
mod meanwhile;

/// Pages, and what is not found.
mod paging;

/// Models: configuration over tables.
mod models;

/// Several databases, and how a `Db` gets them.
mod binds;

/// A program that decides which database a statement goes to.
mod routes;

/// The session of a thread, a block, a request.
mod scopes;

/// What was sent, and who asked for it.
mod recorded;

/// Transactions around tests.
mod undone;

/// Versions of rows, and who comes second.
mod versions;

/// Expressions that the database works out.
mod expressions;

/// Changes that wait in a table until somebody was told.
mod outbox;

/// Events of records and flushes.
mod events;

/// Rules that assigned values go through.
mod validators;

/// Conditions that reach every load.
mod restricted;

/// Some columns now, the others later.
mod columns;

/// Relationships that come in the statement of a query.
mod joined;

/// Records read anew, and those of INSERTs.
mod refreshed;

/// Attributes beside the columns.
mod derived;

/// Events of attributes, relationships, queries and transactions.
mod watched;

/// Verbs of a session that no other module is about.
mod methods;

/// Rows that point to each other.
mod circles;

/// Options of relationships.
mod options;

/// Statements for many rows.
mod bulk;

/// Rows of the list that are a few lines each.
mod numbered;

/// Too deep, too many, in circles.
mod too_much;

/// Views, and tables without a key.
mod views;

/// What is kept alive, and what is let go.
mod kept;

/// Failures at every statement, and a connection that is lost.
mod faults;

/// A model of all of it, and random steps.
mod model;

/// The errors of Flask-SQLAlchemy, and those that take their place.
mod catalogue;

/// Wrong calls, and the error each gets.
mod wrong;

/// Users with posts, posts with tags.
pub(crate) struct Blog {
    pub(crate) users: Table,
    pub(crate) posts: Table,
    pub(crate) tags: Table,
    pub(crate) post_tags: Table,
}

/// Defines and creates the blog.
pub(crate) fn blog(db: &Db) -> Blog {
    let users = (
        column("id", Integer).primary_key(),
        column("name", Varchar(80)).not_null().unique(),
        column("karma", Integer).server_default(7),
    );
    let posts = (
        column("id", Integer).primary_key(),
        column("title", Varchar(200)).not_null(),
        column("user_id", Integer).references("users.id"),
    );
    let tags = (column("id", Integer).primary_key(), column("name", Varchar(40)).not_null());
    let post_tags = (
        column("post_id", Integer).references("posts.id").primary_key(),
        column("tag_id", Integer).references("tags.id").primary_key(),
    );
    let blog = Blog {
        users: db.table("users", users).unwrap(),
        posts: db.table("posts", posts).unwrap(),
        tags: db.table("tags", tags).unwrap(),
        post_tags: db.table("post_tags", post_tags).unwrap(),
    };
    db.create_all().unwrap();
    blog
}

impl Blog {
    pub(crate) fn user(&self, name: &str) -> Record {
        self.users.record(values! { "name" => name }).unwrap()
    }

    pub(crate) fn post(&self, title: &str) -> Record {
        self.posts.record(values! { "title" => title }).unwrap()
    }

    pub(crate) fn tag(&self, name: &str) -> Record {
        self.tags.record(values! { "name" => name }).unwrap()
    }

    /// Users of these names, with the keys 1, 2, 3 and so on.
    pub(crate) fn fill(&self, db: &Db, names: &[&str]) {
        insert(&self.users).rows(["name"], names.iter().map(|name| [*name])).run(db).unwrap();
    }

    pub(crate) fn names(&self, db: &Db) -> Vec<String> {
        select(self.users.c("name")).order_by(self.users.c("id")).scalars(db).unwrap()
    }
}

/// What a list of changes says, one line each.
pub(crate) fn said(changes: &Changes) -> Vec<String> {
    changes.iter().map(|c| format!("{} {}", c.operation, c.subject())).collect()
}

pub(crate) fn text(record: &Record, name: &str) -> String {
    record.get(name).unwrap()
}
