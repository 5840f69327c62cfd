//! What statements become, stated for every dialect, without a database.

mod constructs;
mod parentheses;

use mirrorm::compile::{Compile, Target};
use mirrorm::dialect::{Dialect, Features};
use mirrorm::prelude::*;
use mirrorm::schema::{IndexElement, Metadata};
use mirrorm::stmt::Ddl;
use mirrorm_core::testing::Mock;
use std::sync::Arc;

/// SQLite, and a dialect that overrides nothing: the standard's spelling.
fn targets() -> [Arc<Target>; 2] {
    let (mock, _) = Mock::leak(Features::default());
    let sqlite: &'static dyn Dialect = mirrorm::dialect::built_in()[0];
    [Target::offline(sqlite), Target::offline(mock)]
}

/// The text on each dialect; one text is for all.
#[track_caller]
fn assert_sql(statement: &impl Compile, sqlite: &str, standard: &str) {
    let [a, b] = targets();
    assert_eq!(statement.compile(&a).unwrap().sql(), sqlite, "sqlite");
    assert_eq!(statement.compile(&b).unwrap().sql(), standard, "standard");
}

#[track_caller]
fn same(statement: &impl Compile, sql: &str) {
    assert_sql(statement, sql, sql);
}

#[track_caller]
fn kind(statement: &impl Compile) -> (ErrorKind, String) {
    let error = statement.compile(&targets()[0]).unwrap_err();
    (error.kind(), error.message().to_string())
}

struct Blog {
    users: Table,
    posts: Table,
    comments: Table,
}

fn blog() -> Blog {
    let m = Metadata::new();
    let users = m
        .define(
            "users",
            (
                column("id", Integer).primary_key(),
                column("name", Varchar(80)),
                column("boss_id", Integer).references("users"),
            ),
        )
        .unwrap();
    let posts = m
        .define(
            "posts",
            (
                column("id", Integer).primary_key(),
                column("title", Varchar(200)).not_null(),
                column("author_id", Integer).references("users.id"),
                column("editor_id", Integer).references("users.id"),
                column("score", Numeric(10, 2)),
            ),
        )
        .unwrap();
    let comments = m
        .define(
            "comments",
            (
                column("id", Integer).primary_key(),
                column("post_id", Integer).references("posts"),
                column("order", Integer),
            ),
        )
        .unwrap();
    Blog { users, posts, comments }
}

#[test]
fn select_of_a_table() {
    let Blog { users, .. } = blog();
    same(&select(&users), "SELECT users.id, users.name, users.boss_id FROM users");
    same(
        &select((users.c("id"), users.c("name").label("who"))),
        "SELECT users.id, users.name AS who FROM users",
    );
    same(&select(users.c("name")).distinct(), "SELECT DISTINCT users.name FROM users");
}

#[test]
fn operators_and_parentheses() {
    let Blog { users, .. } = blog();
    let (id, name) = (users.c("id"), users.c("name"));
    #[track_caller]
    fn check(users: &Table, condition: Expr, sql: &str) {
        same(&select(users.c("id")).filter(condition), &format!("SELECT users.id FROM users WHERE {sql}"));
    }
    check(&users, id.gt(1) & id.lt(5) & name.eq("x"), "users.id > ? AND users.id < ? AND users.name = ?");
    check(&users, (id.eq(1) | id.eq(2)) & name.eq("x"), "(users.id = ? OR users.id = ?) AND users.name = ?");
    check(&users, (id.eq(1) & id.eq(2)) | name.eq("x"), "users.id = ? AND users.id = ? OR users.name = ?");
    check(&users, !(id.eq(1) | id.eq(2)), "NOT (users.id = ? OR users.id = ?)");
    check(&users, !id.eq(1), "users.id <> ?");
    check(&users, id.add(1).mul(2).eq(6), "(users.id + ?) * ? = ?");
    check(&users, id.sub(id.sub(1)).eq(1), "users.id - (users.id - ?) = ?");
    check(&users, id.eq(1).eq(id.eq(2)), "(users.id = ?) = (users.id = ?)");
    check(&users, name.eq(Value::Null), "users.name IS NULL");
    check(&users, name.ne(None::<String>), "users.name IS NOT NULL");
    check(&users, id.between(1, 5), "users.id BETWEEN ? AND ?");
    check(&users, id.in_([1, 2, 3]), "users.id IN (?, ?, ?)");
    check(&users, id.in_(Vec::<i64>::new()), "0 = 1");
    check(&users, id.not_in(Vec::<i64>::new()), "1 = 1");
    check(&users, name.starts_with("50%_"), "users.name LIKE ? ESCAPE '/'");
    check(&users, raw("a or b").and(id.eq(1)), "(a or b) AND users.id = ?");
    check(&users, Expr::all([] as [Expr; 0]), "1 = 1");
    check(&users, id.neg().lt(0), "-users.id < ?");
    check(&users, func::count_distinct(&id).gt(0), "count(DISTINCT users.id) > ?");
    check(&users, name.collate("NOCASE").eq("x"), "users.name COLLATE \"NOCASE\" = ?");
    check(&users, id.in_(select(users.c("boss_id"))), "users.id IN (SELECT users.boss_id FROM users)");
}

#[test]
fn fragments_that_differ() {
    let Blog { users, .. } = blog();
    let name = users.c("name");
    assert_sql(
        &select(&name).filter(name.is("x")),
        "SELECT users.name FROM users WHERE users.name IS ?",
        "SELECT users.name FROM users WHERE users.name IS NOT DISTINCT FROM ?",
    );
    assert_sql(
        &select(func::char_length(&name)),
        "SELECT length(users.name) FROM users",
        "SELECT char_length(users.name) FROM users",
    );
    same(
        &select(&name).filter(name.ilike("a%")),
        "SELECT users.name FROM users WHERE lower(users.name) LIKE lower(?)",
    );
    assert_sql(
        &select(&name).limit(5).offset(10),
        "SELECT users.name FROM users LIMIT 5 OFFSET ?",
        "SELECT users.name FROM users LIMIT ? OFFSET ?",
    );
    assert_sql(
        &select(&name).offset(10),
        "SELECT users.name FROM users LIMIT -1 OFFSET ?",
        "SELECT users.name FROM users OFFSET ?",
    );
    assert_sql(
        &select(func::now()).from(&users).limit(u64::MAX),
        "SELECT CURRENT_TIMESTAMP FROM users LIMIT 9223372036854775807",
        "SELECT CURRENT_TIMESTAMP FROM users LIMIT ?",
    );
    assert_sql(
        &select(name.cast(Varchar(5))),
        "SELECT CAST(users.name AS VARCHAR(5)) FROM users",
        "SELECT CAST(users.name AS varchar(5)) FROM users",
    );
}

#[test]
fn joins_along_foreign_keys() {
    let Blog { users, posts, comments } = blog();
    same(
        &select(comments.c("id")).join(&posts),
        "SELECT comments.id FROM comments JOIN posts ON posts.id = comments.post_id",
    );
    same(
        &select(posts.c("id")).left_join(&comments),
        "SELECT posts.id FROM posts LEFT JOIN comments ON posts.id = comments.post_id",
    );
    let author = users.alias("author");
    same(
        &select((posts.c("id"), author.c("name"))).join_on(&author, posts.c("author_id").eq(author.c("id"))),
        "SELECT posts.id, author.name FROM posts JOIN users AS author ON posts.author_id = author.id",
    );
    let boss = users.alias("boss");
    let both = select((users.c("name"), boss.c("name").label("boss")));
    let (found, message) = kind(&both.clone().left_join(&boss));
    assert_eq!(found, ErrorKind::AmbiguousForeignKey, "a table joined with itself has two directions");
    assert!(message.contains("boss.boss_id and users.boss_id"), "{message}");
    same(
        &both.left_join_on(&boss, users.c("boss_id").eq(boss.c("id"))),
        "SELECT users.name, boss.name AS boss FROM users LEFT JOIN users AS boss ON users.boss_id = boss.id",
    );
    let (found, message) = kind(&select(&comments).join(&users));
    assert_eq!(found, ErrorKind::NoForeignKey, "{message}");
    let (found, message) = kind(&select(&posts).join(&users));
    assert_eq!(found, ErrorKind::AmbiguousForeignKey);
    assert!(message.contains("posts.author_id and posts.editor_id"), "{message}");
}

#[test]
fn groups_and_orders() {
    let Blog { users, posts, .. } = blog();
    let n = func::count_all().label("n");
    same(
        &select((posts.c("author_id"), &n, func::sum(posts.c("score")), func::avg(posts.c("score"))))
            .group_by(posts.c("author_id"))
            .having(n.gt(1))
            .order_by((n.desc(), posts.c("author_id"))),
        "SELECT posts.author_id, count(*) AS n, sum(posts.score), avg(posts.score) FROM posts \
         GROUP BY posts.author_id HAVING count(*) > ? ORDER BY n DESC, posts.author_id",
    );
    same(
        &select(users.c("id"))
            .filter(exists(select(posts.c("id")).filter(posts.c("author_id").eq(users.c("id"))))),
        "SELECT users.id FROM users WHERE EXISTS (SELECT posts.id FROM posts WHERE posts.author_id = users.id)",
    );
}

#[test]
fn mistakes_travel_to_the_statement() {
    let Blog { users, posts, .. } = blog();
    let (found, message) = kind(&select(&users).filter(users.c("nmae").eq("x") & users.c("id").gt(0)));
    assert_eq!(
        (found, message.as_str()),
        (ErrorKind::NoSuchColumn, "table `users` has no column `nmae`, did you mean `name`?")
    );
    assert_eq!(users.try_c("nmae").unwrap_err().kind(), ErrorKind::NoSuchColumn);
    let (found, message) = kind(&select(&users).filter(posts.c("id").eq(1)));
    assert_eq!(found, ErrorKind::Invalid, "{message}");
    assert!(message.contains("`posts` is not part of the statement"));
    assert_eq!(kind(&select(&users).join_on(&users, raw("1"))).0, ErrorKind::Invalid, "one name twice");
    assert_eq!(kind(&select(Vec::<Expr>::new())).0, ErrorKind::Invalid);
    assert_eq!(kind(&update(&users).set(values! { "name" => "x" })).0, ErrorKind::Invalid, "no filter");
    assert_eq!(kind(&update(&users).filter(users.c("id").eq(1))).0, ErrorKind::Invalid, "sets nothing");
    assert_eq!(kind(&insert(&users).values(values! { "nmae" => "x" })).0, ErrorKind::NoSuchColumn);
    assert_eq!(kind(&insert(&users).rows(["id", "name"], [[1]])).0, ErrorKind::Invalid);
    let mut deep = users.c("id");
    for _ in 0..600 {
        deep = deep.add(1).mul(2);
    }
    assert_eq!(kind(&select(deep)).0, ErrorKind::TooLarge);
}

#[test]
fn writes() {
    let Blog { users, .. } = blog();
    same(
        &insert(&users).values(values! { "name" => "ann", "id" => 1 }),
        "INSERT INTO users (id, name) VALUES (?, ?)",
    );
    same(&insert(&users), "INSERT INTO users DEFAULT VALUES");
    same(
        &insert(&users).rows(["name", "boss_id"], [("a", Some(1)), ("b", None)]),
        "INSERT INTO users (name, boss_id) VALUES (?, ?), (?, ?)",
    );
    same(
        &insert(&users).values(values! { "name" => func::lower("ANN") }).returning(users.c("id")),
        "INSERT INTO users (name) VALUES (lower(?)) RETURNING id",
    );
    same(
        &update(&users).set(values! { "name" => users.c("name").concat("!") }).filter(users.c("id").eq(1)),
        "UPDATE users SET name = users.name || ? WHERE users.id = ?",
    );
    same(&update(&users).set(values! { "name" => Value::Null }).all_rows(), "UPDATE users SET name = ?");
    same(&delete(&users).filter(users.c("id").in_([1, 2])), "DELETE FROM users WHERE users.id IN (?, ?)");
}

#[test]
fn create_table_in_full() {
    let m = Metadata::new();
    let t = m
        .define(
            "Order Items",
            (
                column("id", Integer).primary_key(),
                column("select", Text).collate("NOCASE").not_null().server_default("it's"),
                column("made", Timestamp).server_default(func::now()),
                column("flag", Boolean).server_default(true),
                column("low", Text).server_default(func::lower("X")),
                column("twice", Integer).computed(raw("id * 2"), true),
                column("order_id", Integer)
                    .references("orders")
                    .on_delete(Action::Cascade)
                    .on_update(Action::SetNull),
                column("qty", Integer).check(raw("qty > 0")),
                unique(["order_id", "qty"]).named("one each"),
                index(["qty"]),
                index([IndexElement::expr(func::lower(raw("low"))), IndexElement::column("qty").desc()])
                    .named("ix_low")
                    .unique()
                    .filter(raw("qty > 5")),
            ),
        )
        .unwrap();
    let create = Ddl::CreateTable { table: t.clone(), if_not_exists: false, without_keys: Vec::new() };
    assert_sql(
        &create,
        "CREATE TABLE \"Order Items\" (id INTEGER NOT NULL, \"select\" TEXT COLLATE \"NOCASE\" NOT NULL DEFAULT 'it''s', \
         made TIMESTAMP DEFAULT CURRENT_TIMESTAMP, flag BOOLEAN DEFAULT 1, low TEXT DEFAULT (lower('X')), \
         twice INTEGER GENERATED ALWAYS AS (id * 2) STORED, order_id INTEGER, qty INTEGER, PRIMARY KEY (id), \
         CONSTRAINT \"one each\" UNIQUE (order_id, qty), CHECK (qty > 0), \
         CONSTRAINT \"fk_Order Items_order_id\" FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE ON UPDATE SET NULL)",
        "CREATE TABLE \"Order Items\" (id integer NOT NULL GENERATED BY DEFAULT AS IDENTITY, \"select\" text COLLATE \"NOCASE\" NOT NULL DEFAULT 'it''s', \
         made timestamp DEFAULT CURRENT_TIMESTAMP, flag boolean DEFAULT TRUE, low text DEFAULT lower('X'), \
         twice integer GENERATED ALWAYS AS (id * 2) STORED, order_id integer, qty integer, PRIMARY KEY (id), \
         CONSTRAINT \"one each\" UNIQUE (order_id, qty), CHECK (qty > 0), \
         CONSTRAINT \"fk_Order Items_order_id\" FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE ON UPDATE SET NULL)",
    );
    let of = |i: usize| Ddl::CreateIndex {
        table: t.clone(),
        index: t.def().indexes()[i].clone(),
        if_not_exists: true,
    };
    same(&of(0), "CREATE INDEX IF NOT EXISTS \"ix_Order Items_qty\" ON \"Order Items\" (qty)");
    same(
        &of(1),
        "CREATE UNIQUE INDEX IF NOT EXISTS ix_low ON \"Order Items\" ((lower(low)), qty DESC) WHERE qty > 5",
    );
    same(&Ddl::DropTable { table: t.clone(), if_exists: true }, "DROP TABLE IF EXISTS \"Order Items\"");
}

#[test]
fn made_names_are_cut_where_the_server_needs_it() {
    let m = Metadata::new();
    let long = "a_rather_long_column_name_of_forty_letters";
    let t = m.define("t", (column(long, Integer), unique([long]), index([long]))).unwrap();
    let index = t.def().indexes()[0].clone();
    let [sqlite, standard] = targets();
    let ddl = Ddl::CreateIndex { table: t, index, if_not_exists: false };
    assert!(ddl.compile(&sqlite).unwrap().sql().contains(&format!("ix_t_{long}")));
    assert!(ddl.compile(&standard).unwrap().sql().contains("ix_t_"));
}

#[test]
fn long_lists_of_terms_stay_shallow() {
    let Blog { users, .. } = blog();
    let id = users.c("id");
    let mut any = id.eq(0);
    for i in 1..100_000 {
        any = any | id.eq(i);
    }
    let error = select(&users).filter(&any).compile(&targets()[0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "more parameters than sqlite takes");
    let plain = Expr::any((0..100_000).map(|i| raw(format!("users.id = {i}"))));
    let sql = select(&users).filter(plain).compile(&targets()[0]).unwrap().sql().to_string();
    let depth = sql.chars().fold((0i32, 0i32), |(now, most), c| {
        let now = now + i32::from(c == '(') - i32::from(c == ')');
        (now, most.max(now))
    });
    assert!(depth.1 < 30, "balanced: {}", depth.1);
}

#[test]
fn case_windows_and_tuples() {
    let Blog { posts, .. } = blog();
    let (id, title, author) = (posts.c("id"), posts.c("title"), posts.c("author_id"));
    let of = |expr: Expr| select(expr).from(&posts);
    same(
        &of(case().when(id.gt(1), "a").when(title.is_null(), &title).otherwise("b")),
        "SELECT CASE WHEN posts.id > ? THEN ? WHEN posts.title IS NULL THEN posts.title ELSE ? END FROM posts",
    );
    same(
        &of(case_of(&id).when(1, 10).otherwise(0).add(1)),
        "SELECT CASE posts.id WHEN ? THEN 10 ELSE 0 END + ? FROM posts",
    );
    let framed = window().partition_by(&author).order_by(id.desc());
    let framed = framed.rows(mirrorm::expr::Bound::Preceding(2), mirrorm::expr::Bound::Current);
    same(
        &of(func::sum(&id).over(framed)),
        "SELECT sum(posts.id) OVER (PARTITION BY posts.author_id ORDER BY posts.id DESC \
         ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM posts",
    );
    same(&of(func::row_number().over(window())), "SELECT row_number() OVER () FROM posts");
    same(
        &of(func::count_all().filter(id.gt(1) | id.lt(0))),
        "SELECT count(*) FILTER (WHERE posts.id > ? OR posts.id < ?) FROM posts",
    );
    let pairs = [tuple((1, "x")), tuple((2, "y"))];
    assert_sql(
        &select(&id).filter(tuple((&id, &title)).in_(pairs)),
        "SELECT posts.id FROM posts WHERE (posts.id, posts.title) IN (VALUES (?, ?), (?, ?))",
        "SELECT posts.id FROM posts WHERE (posts.id, posts.title) IN ((?, ?), (?, ?))",
    );
    same(
        &select(&id).filter(title.op("GLOB", "a*").eq(true) & id.gt(1)),
        "SELECT posts.id FROM posts WHERE (posts.title GLOB ?) = ? AND posts.id > ?",
    );
    same(
        &select(&id).order_by((title.desc().nulls_last(), id.asc())),
        "SELECT posts.id FROM posts ORDER BY posts.title DESC NULLS LAST, posts.id ASC",
    );
    assert_eq!(kind(&select(id.desc())).0, ErrorKind::Invalid);
    assert_eq!(kind(&of(case().otherwise(1))).0, ErrorKind::Invalid);
}

/// What MySQL says otherwise: it has neither FILTER nor NULLS FIRST.
#[test]
fn what_mysql_says_otherwise() {
    let Blog { posts, .. } = blog();
    let target = Target::offline(&mirrorm_dialects::mysql::MySql);
    let sql = |statement: &dyn Compile| statement.compile(&target).unwrap().sql().to_string();
    let (id, title) = (posts.c("id"), posts.c("title"));
    assert_eq!(
        sql(&select(&id).order_by((title.nulls_last(), id.nulls_first(), id.desc().nulls_first()))),
        "SELECT posts.id FROM posts ORDER BY posts.title IS NULL, posts.title, posts.id, posts.id IS NULL DESC, posts.id DESC"
    );
    assert_eq!(
        sql(&select((func::count_all().filter(id.gt(1)), func::sum(&id).filter(id.gt(1))))),
        "SELECT count(CASE WHEN posts.id > ? THEN 1 END), sum(CASE WHEN posts.id > ? THEN posts.id END) FROM posts"
    );
}

#[test]
fn compounds() {
    let Blog { users, posts, .. } = blog();
    let (a, b) = (select(users.c("id")), select(posts.c("author_id")));
    same(
        &a.clone().union_all(b.clone()).union_all(a.clone()).order_by(users.c("id").desc()),
        "SELECT users.id FROM users UNION ALL SELECT posts.author_id FROM posts UNION ALL SELECT users.id FROM users \
         ORDER BY 1 DESC",
    );
    assert_sql(
        &a.clone().limit(1).union(b.clone().intersect(a.clone())),
        "SELECT * FROM (SELECT users.id FROM users LIMIT 1) UNION \
         SELECT * FROM (SELECT posts.author_id FROM posts INTERSECT SELECT users.id FROM users)",
        "(SELECT users.id FROM users LIMIT ?) UNION \
         (SELECT posts.author_id FROM posts INTERSECT SELECT users.id FROM users)",
    );
    assert_eq!(kind(&a.except_all(b)).1, "sqlite 3.45.0 has no EXCEPT ALL");
}

#[test]
fn subqueries_and_names() {
    let Blog { users, posts, .. } = blog();
    let counts = select((posts.c("author_id"), func::count_all())).group_by(posts.c("author_id"));
    let counts_sql = "SELECT posts.author_id, count(*) AS count FROM posts GROUP BY posts.author_id";
    let sub = counts.clone().subquery("counts").unwrap();
    same(
        &select((users.c("name"), sub.c("count"))).join_on(&sub, sub.c("author_id").eq(users.c("id"))),
        &format!(
            "SELECT users.name, counts.count FROM users JOIN ({counts_sql}) AS counts ON counts.author_id = users.id"
        ),
    );
    let named = counts.cte("counts").unwrap();
    let most = select(func::max(named.c("count"))).from(&named);
    same(
        &select(named.c("author_id")).filter(named.c("count").eq(most)),
        &format!(
            "WITH counts AS ({counts_sql}) SELECT counts.author_id FROM counts \
             WHERE counts.count = (SELECT max(counts.count) FROM counts)"
        ),
    );
    let bosses = select((users.c("id"), users.c("boss_id"))).filter(users.c("id").eq(1));
    let bosses = bosses.recursive("bosses", |bosses| {
        select((users.c("id"), users.c("boss_id"))).join_on(bosses, users.c("id").eq(bosses.c("boss_id")))
    });
    same(
        &select(&bosses.unwrap()),
        "WITH RECURSIVE bosses AS (SELECT users.id, users.boss_id FROM users WHERE users.id = ? UNION ALL \
         SELECT users.id, users.boss_id FROM users JOIN bosses ON users.id = bosses.boss_id) \
         SELECT bosses.id, bosses.boss_id FROM bosses",
    );
}

#[test]
fn locks() {
    use mirrorm::stmt::Lock;
    let Blog { users, posts, .. } = blog();
    let of_author = posts.c("author_id").eq(users.c("id"));
    let joined =
        select(posts.c("id")).join_on(&users, of_author).lock(Lock::no_key_update().of(&posts).nowait());
    assert_sql(
        &joined,
        "SELECT posts.id FROM posts JOIN users ON posts.author_id = users.id",
        "SELECT posts.id FROM posts JOIN users ON posts.author_id = users.id FOR NO KEY UPDATE OF posts NOWAIT",
    );
    let target = Target::offline(&mirrorm_dialects::mysql::MySql);
    let share = select(users.c("id")).limit(1).lock(Lock::share().skip_locked());
    assert_eq!(
        share.compile(&target).unwrap().sql(),
        "SELECT users.id FROM users LIMIT ? FOR SHARE SKIP LOCKED"
    );
    assert!(joined.compile(&target).is_err());
}
