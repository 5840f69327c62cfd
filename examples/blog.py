"""A blog whole, in SQLAlchemy 2: what `blog.rs` is in mirrorm. It prints the same."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text, create_engine, event, func, select, update
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
    validates,
    with_loader_criteria,
)
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import StaticPool


class Base(DeclarativeBase):
    pass


def link(name, one, two):
    def key(of):
        target = ForeignKey(f"{of}s.id", ondelete="CASCADE")
        return Column(f"{of}_id", Integer, target, primary_key=True)

    return Table(name, Base.metadata, key(one), key(two))


post_tags = link("post_tags", "post", "tag")
likes = link("likes", "post", "author")


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="author", cascade="all, delete-orphan")
    liked: Mapped[list["Post"]] = relationship(secondary=likes, back_populates="fans")

    @validates("name")
    def trimmed(self, _, name):
        if not name.strip():
            raise ValueError("`name`: an author has a name")
        return name.strip()


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(200))
    views: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()
    author: Mapped[Author] = relationship(back_populates="posts")
    tags: Mapped[list["Tag"]] = relationship(secondary=post_tags, back_populates="posts")
    comments: Mapped[list["Comment"]] = relationship(
        back_populates="post", cascade="all, delete-orphan", order_by="Comment.id"
    )
    fans: Mapped[list[Author]] = relationship(secondary=likes, back_populates="liked")
    __mapper_args__ = {"version_id_col": version}


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    posts: Mapped[list[Post]] = relationship(secondary=post_tags, back_populates="tags")


class Comment(Base):
    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    hidden: Mapped[bool] = mapped_column(default=False)
    post: Mapped[Post] = relationship(back_populates="comments")


engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
Base.metadata.create_all(engine)


@event.listens_for(Session, "do_orm_execute")
def leave_out_hidden(state):
    if state.is_select:
        state.statement = state.statement.options(with_loader_criteria(Comment, Comment.hidden.is_(False)))


@event.listens_for(Session, "after_flush")
def note_changes(session, _):
    session.info["changed"] = True


@event.listens_for(Session, "after_commit")
def tell(session):
    if session.info.pop("changed", False):
        print("committed")


session = Session(engine)
ann, ben = Author(name=" ann "), Author(name="ben")
rust, sql = Tag(name="rust"), Tag(name="sql")
for title, by, own in [("Hello", ann, [rust]), ("Joins", ann, [rust, sql]), ("Bye", ben, [])]:
    session.add(Post(title=title, author=by, tags=own))
session.commit()

joins = session.scalars(select(Post).filter_by(title="Joins")).one()
for text, hidden in [("well said", False), ("spam", True), ("more!", False)]:
    joins.comments.append(Comment(text=text, hidden=hidden))
joins.fans.extend([ann, ben])
joins.views = Post.views + 1
session.commit()
print(f"views {joins.views}, version {joins.version}")

loads = [selectinload(path) for path in (Post.author, Post.tags, Post.comments, Post.fans)]
for post in session.scalars(select(Post).options(*loads).order_by(Post.id)):
    tags = ", ".join(tag.name for tag in post.tags)
    comments = ", ".join(comment.text for comment in post.comments)
    print(f"{post.title} by {post.author.name}: [{tags}] {comments}")
liked = session.scalars(select(Post).where(Post.fans.any(Author.name == "ben"))).one()
print(f"ben likes {liked.title}")
cloud = select(Tag.name, func.count(Post.id)).join(Tag.posts).group_by(Tag.name).order_by(Tag.name)
for name, posts in session.execute(cloud):
    print(name, posts)

session.commit()
other = Session(engine)
other.get(Post, joins.id).title = "Joins, again"
other.commit()
joins.title = "Joins!"
try:
    session.commit()
    print("edited twice: false")
except StaleDataError:
    print("edited twice: true")
session.rollback()
try:
    Author(name="  ")
except ValueError as error:
    print(f"refused: {error}")
print("raised", session.execute(update(Post).values(views=Post.views + 10)).rowcount)
session.delete(ann)
session.commit()
left = [session.scalar(select(func.count()).select_from(of)) for of in (Post, Comment, likes)]
print(f"left: {left[0]} posts, {left[1]} comments, {left[2]} likes")
