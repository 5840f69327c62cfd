//! Random work in two sessions against a plain model: rows, records and what is reported.
//!
//! The model knows what every record holds and what every level would give back. What is reported
//! has to be the difference between the rows before and after, found by SQL; and the log has to lead
//! from one to the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use mirrorm::prelude::*;
use mirrorm::session::{Change, RecordState, Savepoint};
use proptest::prelude::*;

use crate::support::each_backend;

#[derive(Clone, Debug)]
enum Op {
    AddUser,
    AddPost,
    Rename(usize, u8),
    SetKarma(usize, i64),
    /// By an expression that the database works out.
    Raise(usize),
    /// By one statement for all rows of a karma.
    RaiseAll(i64),
    /// By a record of the program's own, of the same key.
    Merge(usize, i64),
    Retitle(usize, u8),
    DeleteUser(usize),
    DeletePost(usize),
    Author(usize, Option<usize>),
    AppendPost(usize, usize),
    Tag(usize, usize),
    Untag(usize, usize),
    Flush,
    Savepoint,
    Release,
    RollbackTo,
    Rollback,
    Again,
    Commit,
    Query,
    Switch,
}

fn op() -> impl Strategy<Value = Op> {
    let n = 0usize..8;
    prop_oneof![
        3 => Just(Op::AddUser),
        3 => Just(Op::AddPost),
        2 => (n.clone(), 0u8..4).prop_map(|(at, to)| Op::Rename(at, to)),
        3 => (n.clone(), 0i64..3).prop_map(|(at, to)| Op::SetKarma(at, to)),
        2 => n.clone().prop_map(Op::Raise),
        1 => (0i64..9).prop_map(Op::RaiseAll),
        2 => (n.clone(), 0i64..3).prop_map(|(at, to)| Op::Merge(at, to)),
        2 => (n.clone(), 0u8..4).prop_map(|(at, to)| Op::Retitle(at, to)),
        2 => n.clone().prop_map(Op::DeleteUser),
        2 => n.clone().prop_map(Op::DeletePost),
        3 => (n.clone(), proptest::option::of(n.clone())).prop_map(|(post, user)| Op::Author(post, user)),
        2 => (n.clone(), n.clone()).prop_map(|(user, post)| Op::AppendPost(user, post)),
        3 => (n.clone(), 0usize..3).prop_map(|(post, tag)| Op::Tag(post, tag)),
        2 => (n.clone(), 0usize..3).prop_map(|(post, tag)| Op::Untag(post, tag)),
        2 => Just(Op::Flush),
        3 => Just(Op::Savepoint),
        3 => Just(Op::Release),
        2 => Just(Op::RollbackTo),
        2 => Just(Op::Rollback),
        4 => Just(Op::Again),
        2 => Just(Op::Commit),
        2 => Just(Op::Query),
        1 => Just(Op::Switch),
    ]
}

/// What becomes of the posts of a user that is deleted, and of those that are taken from one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// They have none.
    Nullify,
    /// They are deleted with the user.
    Delete,
    /// They are deleted with the user, and when they are taken from one and given to nobody.
    Own,
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![Just(Rule::Nullify), Just(Rule::Delete), Just(Rule::Own)]
}

/// A number for each thing, whatever key it has.
type Uid = usize;

/// What there is, unflushed changes included.
#[derive(Clone, Default, PartialEq, Debug)]
struct World {
    users: BTreeMap<Uid, (String, Option<i64>)>,
    posts: BTreeMap<Uid, (String, Option<Uid>)>,
    tagged: BTreeSet<(Uid, usize)>,
}

/// Rows of a table by key: `name=value` pairs.
type Rows = BTreeMap<(String, String), Vec<(String, Value)>>;

fn rows(db: &Db) -> Rows {
    let mut all = Rows::new();
    for (table, key) in [("users", 1), ("posts", 1), ("post_tags", 2)] {
        for row in db.query_text(&format!("SELECT * FROM {table}"), ()).unwrap().iter() {
            let cells: Vec<(String, Value)> =
                row.iter().map(|(n, v)| (n.to_string(), v.to_value())).collect();
            let key: Vec<String> = cells[..key].iter().map(|(_, v)| v.to_string()).collect();
            all.insert((table.to_string(), key.join("/")), cells);
        }
    }
    all
}

fn cells(row: &mirrorm::rows::Row) -> Vec<(String, Value)> {
    row.iter().map(|(name, value)| (name.to_string(), value.to_value())).collect()
}

fn place(change: &Change, key: &[Value]) -> (String, String) {
    let key: Vec<String> = key.iter().map(Value::to_string).collect();
    (change.table().name().to_string(), if key.is_empty() { String::new() } else { key.join("/") })
}

/// Takes the steps of a list of changes; every step has to fit.
fn replay<'c>(changes: impl IntoIterator<Item = &'c Change>, mut rows: Rows) -> Rows {
    for change in changes {
        if let Some(old) = change.old_row() {
            let found = rows.remove(&place(change, &change.old_key()));
            assert_eq!(found, Some(cells(&old)), "{change:?}");
        }
        if let Some(new) = change.new_row() {
            let before = rows.insert(place(change, &change.key()), cells(&new));
            assert_eq!(before, None, "{change:?}");
        }
    }
    rows
}

fn touched(changes: &Changes) -> BTreeSet<(String, String)> {
    changes.iter().map(|change| place(change, &change.key())).collect()
}

/// One of the two sessions, and the records it was given.
struct Hand {
    /// Records whose insert was rolled back, and what they held.
    limbo: World,
    limbo_users: BTreeMap<Uid, Record>,
    limbo_posts: BTreeMap<Uid, Record>,
    /// Rows in their lists, which they take along when they are added again.
    claims: BTreeMap<Uid, BTreeSet<Uid>>,
    session: Session,
    users: BTreeMap<Uid, Record>,
    posts: BTreeMap<Uid, Record>,
    tags: Vec<Record>,
}

struct Game<'d> {
    db: &'d Db,
    hands: [Hand; 2],
    turn: usize,
    next: Uid,
    committed: World,
    /// The rows of the database after the last commit.
    rows: Rows,
    now: World,
    levels: Vec<(Savepoint, World)>,
    told: Arc<Mutex<Vec<Changes>>>,
    tables: [Table; 2],
    rule: Rule,
}

fn pick<V>(map: &BTreeMap<Uid, V>, at: usize) -> Option<Uid> {
    map.keys().nth(at % map.len().max(1)).copied()
}

impl Game<'_> {
    fn hand(&mut self) -> &mut Hand {
        &mut self.hands[self.turn]
    }

    fn play(&mut self, op: &Op) {
        match op.clone() {
            Op::AddUser => {
                let uid = self.fresh();
                let name = format!("user {uid}");
                let record = self.tables[0].record(values! { "name" => name.as_str() }).unwrap();
                self.hand().session.add(record.clone()).unwrap();
                self.hand().users.insert(uid, record);
                self.now.users.insert(uid, (name, None));
            }
            Op::AddPost => {
                let uid = self.fresh();
                let title = format!("post {uid}");
                let record = self.tables[1].record(values! { "title" => title.as_str() }).unwrap();
                self.hand().session.add(record.clone()).unwrap();
                self.hand().posts.insert(uid, record);
                self.now.posts.insert(uid, (title, None));
            }
            Op::Rename(at, to) => {
                if let Some(uid) = pick(&self.now.users, at) {
                    let name = format!("named {to} {uid}");
                    self.hand().users[&uid].set("name", name.as_str()).unwrap();
                    self.now.users.get_mut(&uid).unwrap().0 = name;
                }
            }
            Op::SetKarma(at, to) => {
                if let Some(uid) = pick(&self.now.users, at) {
                    self.hand().users[&uid].set("karma", to).unwrap();
                    self.now.users.get_mut(&uid).unwrap().1 = Some(to);
                }
            }
            Op::Raise(at) => {
                if let Some(uid) = pick(&self.now.users, at) {
                    let raised = self.tables[0].c("karma").add(1);
                    let user = self.hand().users[&uid].clone();
                    user.set("karma", raised).unwrap();
                    assert_eq!(user.get::<i64>("karma").unwrap_err().kind(), ErrorKind::Unloaded);
                    // Of a new row there is nothing to be raised yet.
                    if user.state() == RecordState::Pending {
                        user.set("karma", 1).unwrap();
                        self.now.users.get_mut(&uid).unwrap().1 = Some(1);
                        return;
                    }
                    self.hand().session.flush().unwrap();
                    // What was set before and not flushed was replaced by it.
                    let stored = user.get::<i64>("karma").unwrap();
                    self.now.users.get_mut(&uid).unwrap().1 = Some(stored);
                    let id: i64 = user.get("id").unwrap();
                    let sql = format!("SELECT karma FROM users WHERE id = {id}");
                    let row = self.hand().session.query_text(&sql, ()).unwrap().one().unwrap();
                    assert_eq!(row.get::<i64>(0).unwrap(), stored, "as the database worked it out");
                }
            }
            Op::RaiseAll(of) => {
                // What it does to rows that are new is nobody's who is new again after a rollback: `bulk.rs` says which.
                self.commit();
                let table = self.tables[0].clone();
                let query = self.hands[self.turn].session.query(&table).filter(table.c("karma").eq(of));
                let raised = query.update_all(values! { "karma" => table.c("karma").add(1) }).unwrap();
                let all = self.now.users.values_mut().filter(|(_, karma)| karma.unwrap_or(7) == of);
                let counted = all.map(|(_, karma)| *karma = Some(of + 1)).count();
                assert_eq!(raised as usize, counted);
            }
            Op::Merge(at, to) => {
                if let Some(uid) = pick(&self.now.users, at) {
                    let table = self.tables[0].clone();
                    let hand = self.hand();
                    hand.session.flush().unwrap();
                    let id: i64 = hand.users[&uid].get("id").unwrap();
                    let given = table.record(values! { "id" => id, "karma" => to }).unwrap();
                    assert_eq!(
                        hand.session.merge(&given).unwrap(),
                        hand.users[&uid],
                        "the record of the row"
                    );
                    self.now.users.get_mut(&uid).unwrap().1 = Some(to);
                }
            }
            Op::Retitle(at, to) => {
                if let Some(uid) = pick(&self.now.posts, at) {
                    let title = format!("titled {to} {uid}");
                    self.hand().posts[&uid].set("title", title.as_str()).unwrap();
                    self.now.posts.get_mut(&uid).unwrap().0 = title;
                }
            }
            Op::DeleteUser(at) => {
                if let Some(uid) = pick(&self.now.users, at) {
                    if self.rule != Rule::Nullify {
                        self.hand().session.flush().unwrap();
                    }
                    let record = self.hand().users.remove(&uid).unwrap();
                    self.discard(&record);
                    self.now.users.remove(&uid);
                    let own: Vec<Uid> = self
                        .now
                        .posts
                        .iter()
                        .filter(|(_, p)| p.1 == Some(uid))
                        .map(|(post, _)| *post)
                        .collect();
                    for post in own {
                        match self.rule {
                            Rule::Nullify => self.now.posts.get_mut(&post).unwrap().1 = None,
                            Rule::Delete | Rule::Own => drop(self.lose_post(post)),
                        }
                    }
                }
            }
            Op::DeletePost(at) => {
                if let Some(uid) = pick(&self.now.posts, at) {
                    let record = self.lose_post(uid);
                    self.discard(&record);
                }
            }
            Op::Author(post, user) => {
                if let Some(post) = pick(&self.now.posts, post) {
                    let user = user.and_then(|user| pick(&self.now.users, user));
                    let is_orphan =
                        self.rule == Rule::Own && user.is_none() && self.now.posts[&post].1.is_some();
                    if is_orphan {
                        // It was given to somebody, for good.
                        self.hand().session.flush().unwrap();
                        let record = self.lose_post(post);
                        record.set_related("user", None).unwrap();
                        self.hand().session.flush().unwrap();
                        assert_eq!(record.state(), RecordState::Deleted);
                        return;
                    }
                    let record = user.map(|user| self.hand().users[&user].clone());
                    self.hand().posts[&post].set_related("user", record.as_ref()).unwrap();
                    self.now.posts.get_mut(&post).unwrap().1 = user;
                }
            }
            Op::AppendPost(user, post) => {
                if let (Some(user), Some(post)) = (pick(&self.now.users, user), pick(&self.now.posts, post)) {
                    let record = self.hand().posts[&post].clone();
                    self.hand().users[&user].append("posts", &record).unwrap();
                    self.now.posts.get_mut(&post).unwrap().1 = Some(user);
                }
            }
            Op::Tag(post, tag) => {
                if let Some(post) = pick(&self.now.posts, post) {
                    let tag_record = self.hand().tags[tag].clone();
                    self.hand().posts[&post].append("tags", &tag_record).unwrap();
                    self.now.tagged.insert((post, tag));
                }
            }
            Op::Untag(post, tag) => {
                if let Some(post) = pick(&self.now.posts, post) {
                    let post_record = self.hand().posts[&post].clone();
                    self.hand().tags[tag].remove("posts", &post_record).unwrap();
                    self.now.tagged.remove(&(post, tag));
                }
            }
            Op::Flush => self.hand().session.flush().unwrap(),
            Op::Savepoint => {
                let savepoint = self.hand().session.begin_nested().unwrap();
                self.levels.push((savepoint, self.now.clone()));
            }
            Op::Release => {
                if let Some((savepoint, _)) = self.levels.pop() {
                    savepoint.release().unwrap();
                }
            }
            Op::RollbackTo => {
                if let Some((savepoint, before)) = self.levels.pop() {
                    savepoint.rollback().unwrap();
                    self.restore(before);
                }
            }
            Op::Rollback => {
                self.hand().session.rollback().unwrap();
                self.levels.clear();
                self.restore(self.committed.clone());
            }
            Op::Again => self.again(),
            Op::Commit => self.commit(),
            Op::Query => {
                let tables = self.tables.clone();
                let session = &self.hands[self.turn].session;
                let users = session.query(&tables[0]).count().unwrap();
                let posts = session.query(&tables[1]).with("tags").all().unwrap();
                assert_eq!((users as usize, posts.len()), (self.now.users.len(), self.now.posts.len()));
            }
            Op::Switch => self.switch(),
        }
    }

    /// A post that is to be deleted, or is by now.
    fn lose_post(&mut self, uid: Uid) -> Record {
        self.now.posts.remove(&uid);
        self.now.tagged.retain(|(post, _)| *post != uid);
        self.hand().posts.remove(&uid).unwrap()
    }

    fn fresh(&mut self) -> Uid {
        self.next += 1;
        self.next
    }

    fn discard(&mut self, record: &Record) {
        let session = &self.hand().session;
        if record.state() == RecordState::Pending {
            session.flush().unwrap();
        }
        session.delete(record).unwrap();
    }

    /// After a rollback: what the world held before is held by records again.
    fn restore(&mut self, before: World) {
        let lost = std::mem::replace(&mut self.now, before);
        let hand = &mut self.hands[self.turn];
        for (uid, user) in lost.users.iter().filter(|(uid, _)| !self.now.users.contains_key(uid)) {
            hand.limbo.users.insert(*uid, user.clone());
            hand.limbo_users.insert(*uid, hand.users[uid].clone());
            let own = lost
                .posts
                .iter()
                .filter(|(post, (_, author))| *author == Some(*uid) && self.now.posts.contains_key(post));
            hand.claims.insert(*uid, own.map(|(post, _)| *post).collect());
        }
        for (uid, post) in lost.posts.iter().filter(|(uid, _)| !self.now.posts.contains_key(uid)) {
            hand.limbo.posts.insert(*uid, post.clone());
            hand.limbo_posts.insert(*uid, hand.posts[uid].clone());
            hand.limbo.tagged.extend(lost.tagged.iter().filter(|(post, _)| post == uid));
        }
        let (tables, now) = (self.tables.clone(), self.now.clone());
        let hand = self.hand();
        hand.users.retain(|uid, _| now.users.contains_key(uid));
        hand.posts.retain(|uid, _| now.posts.contains_key(uid));
        // Records that were deleted are rows again; their handles were given up with the delete.
        for (uid, (name, _)) in &now.users {
            let row = || hand.session.query(&tables[0]).filter_by(values! { "name" => name.as_str() }).one();
            hand.users.entry(*uid).or_insert_with(|| row().unwrap());
        }
        for (uid, (title, _)) in &now.posts {
            let row =
                || hand.session.query(&tables[1]).filter_by(values! { "title" => title.as_str() }).one();
            hand.posts.entry(*uid).or_insert_with(|| row().unwrap());
        }
    }

    /// Adds everything again whose insert was rolled back.
    fn again(&mut self) {
        // Another row takes the key that the first of them had.
        self.play(&Op::AddUser);
        self.play(&Op::Flush);
        let hand = &mut self.hands[self.turn];
        let limbo = std::mem::take(&mut hand.limbo);
        let (users, posts) = (std::mem::take(&mut hand.limbo_users), std::mem::take(&mut hand.limbo_posts));
        self.now.users.extend(limbo.users);
        for (user, posts) in std::mem::take(&mut hand.claims) {
            for post in posts {
                self.now.posts.entry(post).and_modify(|(_, author)| *author = Some(user));
            }
        }
        self.now.tagged.extend(limbo.tagged);
        for (uid, (title, author)) in limbo.posts {
            // A user that is gone for good cannot be pointed to.
            let author = author.filter(|author| self.now.users.contains_key(author));
            if author.is_none() {
                posts[&uid].set_related("user", None).unwrap();
            }
            self.now.posts.insert(uid, (title, author));
        }
        for record in users.values().chain(posts.values()) {
            assert_eq!(record.state(), RecordState::Transient);
        }
        for record in users.values().chain(posts.values()) {
            hand.session.add(record.clone()).unwrap();
        }
        hand.users.extend(users);
        hand.posts.extend(posts);
    }

    fn commit(&mut self) {
        let before = std::mem::take(&mut self.rows);
        self.hand().session.commit().unwrap();
        // Savepoints that were open are over; dropped before the commit they would roll back.
        self.levels.clear();
        let after = rows(self.db);
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        match told.as_slice() {
            [] => assert_eq!(before, after),
            [changes] if changes.log().iter().any(Change::is_bulk) => {
                // Of rows that one statement changed nobody tells which: the other tables have to be told all the same.
                let others = |rows: &Rows| -> Rows {
                    rows.iter()
                        .filter(|(key, _)| key.0 != "users")
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .collect()
                };
                let log: Vec<Change> =
                    changes.log().iter().filter(|c| *c.table() != self.tables[0]).cloned().collect();
                assert_eq!(replay(&log, others(&before)), others(&after), "the log leads from old to new");
            }
            [changes] => {
                assert_eq!(replay(&changes.log(), before.clone()), after, "the log leads from old to new");
                let changed: BTreeSet<(String, String)> = before
                    .keys()
                    .chain(after.keys())
                    .filter(|key| before.get(*key) != after.get(*key))
                    .cloned()
                    .collect();
                assert_eq!(touched(changes), changed, "what is reported is the difference");
                assert_eq!(changes.len(), changed.len(), "once each");
                for change in changes {
                    let at = place(change, &change.key());
                    assert_eq!(change.old_row().map(|row| cells(&row)).as_ref(), before.get(&at));
                    assert_eq!(change.new_row().map(|row| cells(&row)).as_ref(), after.get(&at));
                }
            }
            many => panic!("told {} times", many.len()),
        }
        self.committed = self.now.clone();
        self.rows = after;
    }

    fn switch(&mut self) {
        self.commit();
        let hand = self.hand();
        hand.limbo = World::default();
        hand.limbo_users.clear();
        hand.limbo_posts.clear();
        hand.claims.clear();
        self.turn = 1 - self.turn;
        let tables = self.tables.clone();
        let names: BTreeMap<String, Uid> =
            self.now.users.iter().map(|(uid, (name, _))| (name.clone(), *uid)).collect();
        let other = 1 - self.turn;
        let keys: BTreeMap<i64, Uid> =
            self.hands[other].posts.iter().map(|(uid, post)| (post.get("id").unwrap(), *uid)).collect();
        let hand = self.hand();
        let held: Vec<String> = hand.users.values().map(|user| user.get("name").unwrap()).collect();
        hand.session.rollback().unwrap();
        let same: Vec<String> = hand.users.values().map(|user| user.get("name").unwrap()).collect();
        assert_eq!(held, same, "nothing changes under a record that nobody asked for");
        let users = hand.session.query(&tables[0]).all().unwrap();
        hand.users =
            users.into_iter().map(|user| (names[&user.get::<String>("name").unwrap()], user)).collect();
        let posts = hand.session.query(&tables[1]).all().unwrap();
        hand.posts = posts.into_iter().map(|post| (keys[&post.get::<i64>("id").unwrap()], post)).collect();
    }

    /// Every record holds what the model says.
    fn check(&mut self) {
        let now = self.now.clone();
        let hand = self.hand();
        assert_eq!(hand.users.len(), now.users.len());
        for (uid, (name, karma)) in &now.users {
            let record = &hand.users[uid];
            assert_eq!(record.get::<String>("name").unwrap(), *name);
            match (karma, record.state()) {
                (None, RecordState::Pending) => assert!(record.get::<i64>("karma").is_err()),
                (karma, _) => assert_eq!(record.get::<i64>("karma").unwrap(), karma.unwrap_or(7)),
            }
        }
        for (uid, (title, user)) in &now.posts {
            let record = &hand.posts[uid];
            assert_eq!(record.get::<String>("title").unwrap(), *title);
            if record.state() == RecordState::Persistent
                && !record.is_modified()
                && hand.session.deleted().is_empty()
            {
                let wanted = user.map(|user| hand.users[&user].get::<i64>("id").unwrap());
                assert_eq!(record.get::<Option<i64>>("user_id").unwrap(), wanted);
            }
        }
    }
}

fn game(db: &Db, rule: Rule, ops: &[Op]) {
    let users = (
        column("id", Integer).primary_key(),
        column("name", Varchar(80)).not_null(),
        column("karma", Integer).server_default(7),
    );
    let posts = (
        column("id", Integer).primary_key(),
        column("title", Varchar(200)).not_null(),
        column("user_id", Integer).references("users.id").on_delete(match rule {
            Rule::Nullify => Action::SetNull,
            Rule::Delete | Rule::Own => Action::Cascade,
        }),
    );
    let key = |name: &str, to: &str| column(name, Integer).references(to).primary_key();
    let tables = [db.table("users", users).unwrap(), db.table("posts", posts).unwrap()];
    let tags = db.table("tags", (column("id", Integer).primary_key(), column("name", Text))).unwrap();
    db.table("post_tags", (key("post_id", "posts.id"), key("tag_id", "tags.id"))).unwrap();
    if rule == Rule::Own {
        db.relate(&tables[0], relationship("posts", &tables[1]).owns()).unwrap();
    }
    db.create_all().unwrap();
    insert(&tags).rows(["name"], [["x"], ["y"], ["z"]]).run(db).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let own = told.clone();
    let _told = db
        .signals()
        .models_committed
        .log()
        .connect(move |_, changes| own.lock().unwrap().push(changes.net()));
    let hand = || {
        let session = db.session();
        let tags = session.query(&tags).order_by(tags.c("id")).all().unwrap();
        session.commit().unwrap();
        let (users, posts) = (BTreeMap::new(), BTreeMap::new());
        let (limbo_users, limbo_posts) = (BTreeMap::new(), BTreeMap::new());
        Hand {
            limbo: World::default(),
            limbo_users,
            limbo_posts,
            claims: BTreeMap::new(),
            session,
            users,
            posts,
            tags,
        }
    };
    let mut game = Game {
        db,
        hands: [hand(), hand()],
        turn: 0,
        next: 0,
        committed: World::default(),
        rows: rows(db),
        now: World::default(),
        levels: Vec::new(),
        told,
        tables: tables.clone(),
        rule,
    };
    for op in ops {
        game.play(op);
        game.check();
    }
    game.play(&Op::Commit);
    let linked: BTreeSet<(i64, usize)> = game
        .now
        .tagged
        .iter()
        .map(|(post, tag)| (game.hands[game.turn].posts[post].get("id").unwrap(), *tag))
        .collect();
    let found = db.query_text("SELECT post_id, tag_id FROM post_tags", ()).unwrap();
    let found: BTreeSet<(i64, usize)> =
        found.iter().map(|row| (row.get(0).unwrap(), row.get::<usize>(1).unwrap() - 1)).collect();
    assert_eq!(found, linked);
}

proptest! {
    // A failure is shrunk and printed; a file of seeds would outlive the steps it was made of.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_work_against_a_model(rule in rule(), ops in proptest::collection::vec(op(), 1..40)) {
        each_backend(|db| game(db, rule, &ops));
    }
}
