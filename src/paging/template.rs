//! A page as an object of minijinja templates, behind the feature of that name.
//!
//! It has the members that Flask-SQLAlchemy's templates use, so that a page list written for Jinja
//! renders unchanged.

use std::sync::Arc;

use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use serde::Serialize;

use super::links::Edges;
use super::result::Pagination;

/// A page whose items templates can show.
#[derive(Debug)]
struct Shown(Pagination<Value>);

impl<T: Serialize> From<Pagination<T>> for Value {
    /// The page for a template: `items`, `page`, `per_page`, `total`, `pages`, `has_prev`, `prev_num`,
    /// `has_next`, `next_num`, `first`, `last`, the method `iter_pages(left_edge=2, left_current=2,
    /// right_current=4, right_edge=2)`, and its items where it is looped over.
    ///
    /// # Example
    /// ```
    /// use minijinja::{Environment, context};
    /// use mirrorm::paging::Pagination;
    ///
    /// let mut env = Environment::new();
    /// env.add_template("list", "{% for n in page.iter_pages() %}{{ n or '…' }} {% endfor %}")?;
    /// let page = Pagination::new(vec!["a"], 1, 1, Some(25));
    /// let html = env.get_template("list")?.render(context! { page => minijinja::Value::from(page) })?;
    /// assert_eq!(html, "1 2 3 4 5 … 24 25 ");
    /// # Ok::<(), minijinja::Error>(())
    /// ```
    fn from(page: Pagination<T>) -> Value {
        Value::from_object(Shown(page.map(|item| Value::from_serialize(&item))))
    }
}

impl Object for Shown {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let page = &self.0;
        if let Some(at) = key.as_usize() {
            return page.items.get(at).cloned();
        }
        Some(match key.as_str()? {
            "items" => Value::from(page.items.clone()),
            "page" => page.page.into(),
            "per_page" => page.per_page.into(),
            "total" => page.total.into(),
            "pages" => page.pages().into(),
            "has_prev" => page.has_prev().into(),
            "prev_num" => page.prev_num().into(),
            "has_next" => page.has_next().into(),
            "next_num" => page.next_num().into(),
            "first" => page.first().into(),
            "last" => page.last().into(),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.items.len())
    }

    fn call_method(self: &Arc<Self>, _: &State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        if name != "iter_pages" {
            let message = format!("a page has no method `{name}`");
            return Err(Error::new(ErrorKind::UnknownMethod, message));
        }
        let (kwargs,): (Kwargs,) = from_args(args)?;
        let or = |name: &str, default: u64| kwargs.get::<Option<u64>>(name).map(|n| n.unwrap_or(default));
        let Edges { left_edge, left_current, right_current, right_edge } = Edges::default();
        let edges = Edges {
            left_edge: or("left_edge", left_edge)?,
            left_current: or("left_current", left_current)?,
            right_current: or("right_current", right_current)?,
            right_edge: or("right_edge", right_edge)?,
        };
        kwargs.assert_all_used()?;
        Ok(self.0.iter_pages_with(edges).map(Value::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::{Environment, context};

    use super::*;

    /// The page list of Flask-SQLAlchemy's documentation, in its structure.
    const MACRO: &str = r#"{% macro render_pagination(pagination, endpoint) %}
<div class=page-items>
  {{ pagination.first }} - {{ pagination.last }} of {{ pagination.total }}
</div>
<div class=pagination>
  {% for page in pagination.iter_pages() %}
    {% if page %}
      {% if page != pagination.page %}
        <a href="{{ url_for(endpoint, page=page) }}">{{ page }}</a>
      {% else %}
        <strong>{{ page }}</strong>
      {% endif %}
    {% else %}
      <span class=ellipsis>…</span>
    {% endif %}
  {% endfor %}
</div>
{% endmacro %}{{ render_pagination(page, "posts") }}"#;

    fn render(template: &str, page: Pagination<i64>) -> Result<String, Error> {
        let mut env = Environment::new();
        let url_for = |endpoint: String, kwargs: Kwargs| -> Result<String, Error> {
            Ok(format!("/{endpoint}?page={}", kwargs.get::<u64>("page")?))
        };
        env.add_function("url_for", url_for);
        let html = env.render_str(template, context! { page => Value::from(page) })?;
        Ok(html.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn page(number: u64) -> Pagination<i64> {
        Pagination::new(vec![7, 8, 9], number, 3, Some(75))
    }

    #[test]
    fn the_page_list_renders_as_written() {
        let html = render(MACRO, page(10)).unwrap();
        let link = |n: u64| format!("<a href=\"/posts?page={n}\">{n}</a>");
        let gap = "<span class=ellipsis>…</span>".to_string();
        let mut wanted =
            vec!["<div class=page-items> 28 - 30 of 75 </div> <div class=pagination>".to_string()];
        wanted.extend([link(1), link(2), gap.clone(), link(8), link(9), "<strong>10</strong>".into()]);
        wanted.extend([link(11), link(12), link(13), link(14), gap, link(24), link(25), "</div>".into()]);
        assert_eq!(html, wanted.join(" "));
    }

    #[test]
    fn every_member_and_wrong_ones() {
        let all = "{{ page.pages }} {{ page.has_prev }} {{ page.prev_num }} {{ page.has_next }} {{ page.next_num }} \
            {{ page.per_page }} {{ page.items|length }} {% for n in page %}{{ n }}{% endfor %} \
            {% for n in page.iter_pages(left_edge=1, right_edge=1, left_current=0, right_current=0) %}{{ n or '_' }}{% endfor %}";
        assert_eq!(render(all, page(1)).unwrap(), "25 False None True 2 3 3 789 1_25");
        assert_eq!(render("{{ page.nonsense }}", page(1)).unwrap(), "");
        assert!(render("{{ page.nonsense() }}", page(1)).is_err());
        assert!(render("{{ page.iter_pages(edge=1) }}", page(1)).is_err());
        assert!(render("{{ page.iter_pages(left_edge=-1) }}", page(1)).is_err());
    }
}
