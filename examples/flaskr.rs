//! A blog's model layer: users, their posts newest first with their authors, pages, and an audit list fed
//! by `models_committed`. A web framework would call these methods. Run it with `cargo run --example flaskr`.

use std::sync::Arc;

use mirrorm::prelude::*;
use mirrorm::{paging::Pagination, session::Subscription};
use parking_lot::Mutex;

struct Blog {
    db: Db,
    users: Table,
    posts: Table,
    audit: Arc<Mutex<Vec<String>>>,
    _listening: Subscription,
}

impl Blog {
    fn open(url: &str) -> Result<Blog> {
        let db = Db::open(url)?;
        let id = || column("id", Integer).primary_key();
        let users = db.model(
            "User",
            (
                id(),
                column("username", Varchar(80)).not_null().unique(),
                column("password", Varchar(64)).not_null(),
            ),
        )?;
        let posts = Model::new("Post")
            .parts((
                id(),
                column("author_id", Integer).not_null().references("user.id"),
                column("created", DateTime).not_null().server_default(func::now()),
                column("title", Varchar(200)).not_null().check(raw("title <> ''")),
                column("body", Text).not_null(),
            ))
            .relationship(relationship("author", &users))
            .query(|posts| {
                let table = posts.table().clone();
                posts.with("author").order_by((table.c("created").desc(), table.c("id").desc()))
            })
            .define(&db)?;
        db.create_all()?;
        let audit: Arc<Mutex<Vec<String>>> = Arc::default();
        let list = audit.clone();
        let listening = db.signals().models_committed.connect(move |_, changes| {
            let lines = changes.iter().map(|change| format!("{} {}", change.operation, change.subject()));
            list.lock().extend(lines);
        });
        Ok(Blog { db, users, posts, audit, _listening: listening })
    }

    /// Whoever has the name already keeps it: `Unique`.
    fn register(&self, username: &str, password: &str) -> Result<()> {
        let values = values! { "username" => username, "password" => hash(username, password) };
        self.db.transaction(|session| session.add(self.users.record(values)?).map(drop))
    }

    /// The id of the user, if name and password are right.
    fn login(&self, username: &str, password: &str) -> Result<Option<i64>> {
        let found =
            self.db.session().query(&self.users).filter_by(values! { "username" => username }).first()?;
        let right =
            |user: &Record| user.get::<String>("password").is_ok_and(|own| own == hash(username, password));
        found.filter(right).map(|user| user.get("id")).transpose()
    }

    fn write(&self, author: i64, title: &str, body: &str) -> Result<i64> {
        self.db.transaction(|session| {
            let author = session.get_or_404(&self.users, author, "no such user")?;
            let post = session.add(self.posts.record(values! { "title" => title, "body" => body })?)?;
            post.set_related("author", &author)?;
            session.flush()?;
            post.get("id")
        })
    }

    /// Changes or deletes a post of this author, who alone may.
    fn edit(&self, author: i64, id: i64, title: Option<&str>) -> Result<()> {
        self.db.transaction(|session| {
            let post =
                session.get_or_404(&self.posts, id, format!("Post id {id} doesn't exist.").as_str())?;
            if post.get::<i64>("author_id")? != author {
                return Err(Error::new(ErrorKind::Invalid, "only its author changes a post"));
            }
            match title {
                Some(title) => post.set("title", title),
                None => session.delete(&post),
            }
        })
    }

    /// A page of posts, newest first, with their authors: two queries and a count.
    fn index(&self, page: Page) -> Result<Pagination<String>> {
        let session = self.db.session();
        let page = session.query(&self.posts).paginate(page.per_page(3))?;
        page.try_map(|post| {
            let author = post.related_one("author")?;
            let name: String = author.map_or(Ok("?".into()), |author| author.get("username"))?;
            Ok(format!("{} by {name}", post.get::<String>("title")?))
        })
    }
}

/// For a real one use a slow hash, such as that of the crate argon2.
fn hash(username: &str, password: &str) -> String {
    hmac_sha256::HMAC::mac(password, username).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn main() -> Result<()> {
    let blog = Blog::open("sqlite://")?;
    blog.register("ann", "sesame")?;
    let ann = blog.login("ann", "sesame")?.unwrap_or_default();
    for n in 1..=4 {
        blog.write(ann, &format!("post {n}"), "…")?;
    }
    blog.edit(ann, 1, None)?;
    println!("{}\n{}", blog.index(Page::number(1))?.items.join("\n"), blog.audit.lock().join("\n"));
    Ok(())
}

#[test]
fn a_blog() {
    let blog = Blog::open("sqlite://").unwrap();
    let kind = |error: Error| error.kind();
    blog.register("ann", "sesame").unwrap();
    blog.register("ben", "mellon").unwrap();
    assert_eq!(blog.register("ann", "again").map_err(kind), Err(ErrorKind::Unique));
    assert_eq!(blog.login("ann", "wrong").unwrap(), None);
    let [ann, ben] = [("ann", "sesame"), ("ben", "mellon")].map(|(n, p)| blog.login(n, p).unwrap().unwrap());
    for n in 1..=7 {
        blog.write(if n % 2 == 0 { ben } else { ann }, &format!("post {n}"), "…").unwrap();
    }
    assert_eq!(blog.write(ann, "", "no title").map_err(kind), Err(ErrorKind::Check));
    assert_eq!(blog.edit(ben, 7, None).map_err(kind), Err(ErrorKind::Invalid));
    blog.edit(ann, 7, Some("the latest")).unwrap();
    blog.edit(ben, 2, None).unwrap();
    assert_eq!(blog.edit(ann, 2, None).unwrap_err().message(), "Post id 2 doesn't exist.");
    let first = mirrorm::assert_queries!(3, blog.db, blog.index(Page::number(1)).unwrap());
    assert_eq!(first.items, ["the latest by ann", "post 6 by ben", "post 5 by ann"]);
    let numbers: Vec<Option<u64>> = first.iter_pages().collect();
    assert_eq!((first.total, numbers), (Some(6), vec![Some(1), Some(2)]));
    let last = blog.index(first.next_page()).unwrap();
    assert_eq!((last.items.len(), last.has_next()), (3, false));
    assert_eq!(blog.index(Page::number(3)).map(drop).map_err(kind), Err(ErrorKind::NotFound));
    let audit = blog.audit.lock();
    assert_eq!(audit[..3], ["insert user 1", "insert user 2", "insert post 1"]);
    assert_eq!(audit[audit.len() - 2..], ["update post 7", "delete post 2"]);
}
