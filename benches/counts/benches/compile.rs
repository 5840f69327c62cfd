//! Instructions of building and compiling statements. Times of one machine say little on another; these are nearly the same.

use std::hint::black_box;
use std::sync::Arc;

use gungraun::{library_benchmark, library_benchmark_group, main};
use mirrorm::compile::{Compile, Target};
use mirrorm::prelude::*;
use mirrorm::schema::Metadata;
use mirrorm::stmt::Select;

/// Four tables in a row of foreign keys, and a server that was compiled for before.
struct Setting {
    tables: Vec<Table>,
    target: Arc<Target>,
}

fn setting() -> Setting {
    let metadata = Metadata::new();
    let table = |name: &str, parent: Option<&str>| {
        let mut columns = vec![column("id", Integer).primary_key()];
        columns.extend(parent.map(|parent| column("parent", Integer).references(parent)));
        columns.extend((0..6).map(|n| column(format!("c{n}"), Text)));
        metadata.define(name, columns).unwrap()
    };
    let tables = vec![table("a", None), table("b", Some("a")), table("c", Some("b")), table("d", Some("c"))];
    let setting = Setting { tables, target: Target::offline(mirrorm::dialect::built_in()[0]) };
    black_box(wide(&setting).compile(&setting.target).unwrap());
    setting
}

/// Ten columns, three joins, five conditions.
fn wide(setting: &Setting) -> Select {
    let [a, b, c, d] = &setting.tables[..] else { unreachable!() };
    let columns = [
        a.c("id"),
        a.c("c0"),
        a.c("c1"),
        b.c("id"),
        b.c("c0"),
        b.c("c1"),
        c.c("id"),
        c.c("c0"),
        d.c("id"),
        d.c("c0"),
    ];
    select(columns.to_vec())
        .join(b)
        .join(c)
        .join(d)
        .filter(a.c("c0").eq("x"))
        .filter(b.c("c1").like("y%"))
        .filter(c.c("id").gt(5) & d.c("c2").is_not_null())
        .filter(a.c("id").in_([1, 2, 3]))
        .order_by(a.c("id"))
        .limit(10)
}

#[library_benchmark(setup = setting)]
fn build(setting: Setting) -> (Select, Setting) {
    (black_box(wide(&setting)), setting)
}

fn built() -> (Select, Setting) {
    let setting = setting();
    (wide(&setting), setting)
}

#[library_benchmark(setup = built)]
fn compile((select, setting): (Select, Setting)) -> (Select, Setting) {
    black_box(select.compile(&setting.target).unwrap());
    (select, setting)
}

#[library_benchmark(setup = setting)]
fn whole_table(setting: Setting) -> Setting {
    black_box(select(&setting.tables[0]).compile(&setting.target).unwrap());
    setting
}

#[library_benchmark(setup = setting)]
fn insert_of_a_row(setting: Setting) -> Setting {
    let values = values! { "id" => 1, "c0" => "x", "c1" => "y" };
    black_box(insert(&setting.tables[0]).values(values).compile(&setting.target).unwrap());
    setting
}

#[library_benchmark(setup = setting)]
fn list_of_a_thousand(setting: Setting) -> Setting {
    let table = &setting.tables[0];
    black_box(select(table).filter(table.c("id").in_(0..1000)).compile(&setting.target).unwrap());
    setting
}

library_benchmark_group!(
    name = statements;
    benchmarks = build, compile, whole_table, insert_of_a_row, list_of_a_thousand
);
main!(library_benchmark_groups = statements);
