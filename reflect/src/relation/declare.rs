//! Relationships that a program declares: a name of its own for a foreign key, a connection that no
//! foreign key makes, or another rule for deletes.

use std::sync::Arc;

use mirrorm_core::expr::Expr;
use mirrorm_core::schema::{ForeignKeyDef, Table, TableDef};
use mirrorm_core::stmt::{Selection, exprs};
use mirrorm_core::{Error, ErrorKind, Result};

use super::registry::on_delete;
use super::{KeyLink, OnParentDelete, Only, Relation};
use crate::RelationshipKind;

/// A relationship of a name to a table, for `Db::relate`.
pub fn relationship(name: impl Into<Arc<str>>, to: &Table) -> RelationshipParts {
    RelationshipParts {
        name: name.into(),
        to: to.clone(),
        by: Vec::new(),
        pairs: None,
        through: None,
        kind: None,
        on_delete: None,
        order: Vec::new(),
        only: None,
        view_only: false,
        owns: false,
    }
}

/// A relationship as it is declared. Each method returns the changed relationship.
#[derive(Clone, Debug)]
#[must_use = "a relationship does nothing until `Db::relate` takes it"]
pub struct RelationshipParts {
    name: Arc<str>,
    to: Table,
    by: Vec<Arc<str>>,
    pairs: Option<[Vec<Arc<str>>; 2]>,
    through: Option<Table>,
    kind: Option<RelationshipKind>,
    on_delete: Option<OnParentDelete>,
    order: Vec<Expr>,
    only: Option<Only>,
    view_only: bool,
    owns: bool,
}

/// A relationship as it was declared, and where it starts.
#[derive(Clone, Debug)]
pub struct Declared {
    pub from: Table,
    pub name: Arc<str>,
    parts: RelationshipParts,
}

fn keys<N: Into<Arc<str>>>(names: impl IntoIterator<Item = N>) -> Vec<Arc<str>> {
    names.into_iter().map(Into::into).collect()
}

impl RelationshipParts {
    /// The columns of the foreign key, where there are several between the tables.
    pub fn by<N: Into<Arc<str>>>(mut self, columns: impl IntoIterator<Item = N>) -> RelationshipParts {
        self.by = keys(columns);
        self
    }

    /// The columns that are equal at the start and at the end, where no foreign key says it.
    pub fn on<N: Into<Arc<str>>, M: Into<Arc<str>>>(
        mut self,
        from: impl IntoIterator<Item = N>,
        to: impl IntoIterator<Item = M>,
    ) -> RelationshipParts {
        self.pairs = Some([keys(from), keys(to)]);
        self
    }

    /// Many-to-many, through a table with a foreign key to each.
    pub fn through(mut self, table: &Table) -> RelationshipParts {
        self.through = Some(table.clone());
        self
    }

    /// Which kind it is, where the tables leave a choice: a table that points to itself, or columns
    /// given by [`RelationshipParts::on`], of which the many side holds the key.
    pub fn kind(mut self, kind: RelationshipKind) -> RelationshipParts {
        self.kind = Some(kind);
        self
    }

    /// What happens to the rows at the end when a session deletes the one at the start; by default
    /// what their foreign key says the database does.
    pub fn on_delete(mut self, rule: OnParentDelete) -> RelationshipParts {
        self.on_delete = Some(rule);
        self
    }

    /// The order its records are loaded in, by expressions over the table it leads to; by default the
    /// database's. What is appended stands at the end until it is loaded again.
    pub fn order_by(mut self, order: impl Selection) -> RelationshipParts {
        self.order = exprs(order);
        self
    }

    /// Leads to those rows only for which a condition holds, said over the columns of the table it leads to by their names.
    /// It is [read only](RelationshipParts::view_only) then.
    ///
    /// # Example
    /// ```
    /// use mirrorm::prelude::*;
    ///
    /// let db = Db::open("sqlite://")?;
    /// let posts = db.table("posts", column("id", Integer).primary_key())?;
    /// let comments = db.table("comments", (
    ///     column("id", Integer).primary_key(),
    ///     column("post_id", Integer).references("posts.id"),
    ///     column("approved", Boolean),
    /// ))?;
    /// db.create_all()?;
    /// let approved = relationship("approved_comments", &comments).only(|column| column("approved").eq(true));
    /// db.relate(&posts, approved)?;
    /// insert(&posts).values(values! { "id" => 1 }).run(&db)?;
    /// insert(&comments).rows(["post_id", "approved"], [(1, true), (1, false)]).run(&db)?;
    /// let session = db.session();
    /// let post = session.get_one(&posts, 1)?;
    /// assert_eq!((post.related("approved_comments")?.len(), post.related("comments")?.len()), (1, 2));
    /// # Ok::<(), mirrorm::Error>(())
    /// ```
    pub fn only(
        mut self,
        condition: impl Fn(&dyn Fn(&str) -> Expr) -> Expr + Send + Sync + 'static,
    ) -> RelationshipParts {
        self.only = Some(Only(Arc::new(condition)));
        self.view_only()
    }

    /// Is read and never written: beside another relationship of the same key, or for columns that are equal and no key.
    /// Deletes take nothing along by it.
    pub fn view_only(mut self) -> RelationshipParts {
        self.view_only = true;
        self
    }

    /// The rows it leads to belong to the one they point to: one that is taken out and put into no other is deleted, by
    /// `remove`, `replace` and by setting the other side to none, and all go with it, where no other rule is said.
    pub fn owns(mut self) -> RelationshipParts {
        self.owns = true;
        self
    }

    pub fn from(self, from: &Table) -> Declared {
        Declared { from: from.clone(), name: self.name.clone(), parts: self }
    }
}

impl Declared {
    /// The relationship as the tables make it now.
    ///
    /// # Errors
    /// `Invalid` for a name that a column has; `NoForeignKey`, `AmbiguousForeignKey`, `NoSuchColumn`.
    pub fn resolve(&self, tables: &[Table]) -> Result<Relation> {
        let def = self.from.def();
        if def.column(&self.name).is_ok() {
            let message = format!("`{}` is a column of `{}`", self.name, def.display_name());
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let parts = &self.parts;
        if let Some(table) =
            parts.through.as_ref().or(Some(&parts.to)).filter(|table| !tables.contains(table))
        {
            let message = format!("`{}` is no table of this Db", table.def().display_name());
            return Err(Error::new(ErrorKind::NoSuchTable, message));
        }
        if parts.to.bind() != self.from.bind() {
            let message = format!(
                "`{}` is in another database than `{}`: a relationship does not lead from one to the other",
                parts.to.def().display_name(),
                def.display_name()
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let (kind, near, far) = match (&parts.through, &parts.pairs) {
            (Some(between), _) => {
                let near = self.key_between(between, &self.from, &[])?;
                let far = self.key_between(between, &parts.to, &near.columns)?;
                (RelationshipKind::ManyToMany, near, Some(Arc::new(far)))
            }
            (None, Some([from, to])) => self.by_columns(from, to)?,
            (None, None) => self.by_key()?,
        };
        if parts.owns && !matches!(kind, RelationshipKind::OneToMany | RelationshipKind::OneToOne) {
            let message =
                format!("`{}` owns no rows: they do not point to the one it starts from", self.name);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let rule = match parts.on_delete {
            _ if parts.view_only => OnParentDelete::Leave,
            Some(rule) => rule,
            None if parts.owns => OnParentDelete::Delete,
            None => on_delete(&near, kind),
        };
        Ok(Relation {
            name: self.name.clone(),
            from: self.from.clone(),
            to: parts.to.clone(),
            kind,
            near: Arc::new(near),
            far,
            on_delete: rule,
            order: parts.order.clone(),
            only: parts.only.clone(),
            view_only: parts.view_only,
            owns: parts.owns && !parts.view_only,
        })
    }

    fn by_columns(
        &self,
        from: &[Arc<str>],
        to: &[Arc<str>],
    ) -> Result<(RelationshipKind, KeyLink, Option<Arc<KeyLink>>)> {
        let parts = &self.parts;
        let (from, to) = (keys_of(&self.from, from)?, keys_of(&parts.to, to)?);
        if from.len() != to.len() || from.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("`{}`: as many columns at both ends", self.name),
            ));
        }
        let kind = parts.kind.unwrap_or(RelationshipKind::OneToMany);
        let (start, end) = ((self.from.clone(), from), (parts.to.clone(), to));
        let (holder, referred) =
            if kind == RelationshipKind::ManyToOne { (start, end) } else { (end, start) };
        let link = KeyLink { holder: holder.0, columns: holder.1, referred: referred.0, targets: referred.1 };
        Ok((kind, link, None))
    }

    fn by_key(&self) -> Result<(RelationshipKind, KeyLink, Option<Arc<KeyLink>>)> {
        let to = &self.parts.to;
        let forward = self.key_between(&self.from, to, &[]);
        let backward = self.key_between(to, &self.from, &[]);
        let kind = self.parts.kind;
        match (forward, backward) {
            (Ok(link), _) if kind == Some(RelationshipKind::ManyToOne) => {
                Ok((RelationshipKind::ManyToOne, link, None))
            }
            (_, Ok(link)) if kind.is_some() => Ok((kind.unwrap_or(RelationshipKind::OneToMany), link, None)),
            (Ok(_), Ok(_)) => Err(self.ambiguous("both tables point to each other: say the `kind`")),
            (Ok(link), Err(_)) => Ok((RelationshipKind::ManyToOne, link, None)),
            (Err(_), Ok(link)) => {
                let unique = is_unique(&link);
                let kind = if unique { RelationshipKind::OneToOne } else { RelationshipKind::OneToMany };
                Ok((kind, link, None))
            }
            (Err(error), Err(other)) => {
                Err(if other.kind() == ErrorKind::AmbiguousForeignKey { other } else { error })
            }
        }
    }

    fn ambiguous(&self, why: &str) -> Error {
        Error::new(ErrorKind::AmbiguousForeignKey, format!("the relationship `{}`: {why}", self.name))
    }

    /// The only foreign key of one table to another, or the one of the columns that were given.
    fn key_between(&self, holder: &Table, referred: &Table, not: &[Arc<str>]) -> Result<KeyLink> {
        let (def, other) = (holder.def(), referred.def());
        let points = |key: &&ForeignKeyDef| def.points_to(key, &other);
        let link = |key: &ForeignKeyDef| {
            let targets = keys_at(&other, &key.target_positions(&other)?);
            let columns = keys_at(&def, &key.columns);
            Some(KeyLink { holder: holder.clone(), columns, referred: referred.clone(), targets })
        };
        let by = &self.parts.by;
        let fits = |link: &KeyLink| (by.is_empty() || link.columns == *by) && link.columns != not;
        let mut found: Vec<KeyLink> =
            def.foreign_keys().iter().filter(points).filter_map(link).filter(fits).collect();
        match (found.pop(), found.len()) {
            (Some(link), 0) => Ok(link),
            (None, _) => {
                let message = format!(
                    "the relationship `{}`: no foreign key of `{}` points to `{}`: name the columns with `on`",
                    self.name,
                    def.display_name(),
                    other.display_name()
                );
                Err(Error::new(ErrorKind::NoForeignKey, message))
            }
            _ => Err(self.ambiguous("several foreign keys connect the tables: name the columns with `by`")),
        }
    }
}

/// What programs call the columns at these positions.
fn keys_at(def: &TableDef, positions: &[usize]) -> Vec<Arc<str>> {
    positions.iter().filter_map(|at| def.column_at(*at)).map(|c| c.key().into()).collect()
}

/// Whether at most one row can hold a key.
fn is_unique(link: &KeyLink) -> bool {
    let def = link.holder.def();
    let place = |key: &Arc<str>| def.columns().position(|column| *column.key() == **key);
    link.columns.iter().map(place).collect::<Option<Vec<usize>>>().is_some_and(|own| def.is_unique(&own))
}

/// The keys of columns, which may be called by a second name.
fn keys_of(table: &Table, names: &[Arc<str>]) -> Result<Vec<Arc<str>>> {
    let def = table.def();
    names.iter().map(|name| def.column(name).map(|column| column.key().into())).collect()
}
