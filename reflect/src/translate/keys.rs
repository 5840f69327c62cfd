//! Foreign keys as they can be on another database.

use mirrorm_core::compile::Target;
use mirrorm_core::dialect::{ForeignKeyFacts, TableFacts};
use mirrorm_core::schema::Action;

use super::Notes;

/// Foreign keys as they can be there: to tables that are, of the types they point to, with what happens then.
pub(super) fn settle(from: &[&TableFacts], tables: &mut [TableFacts], target: &Target, notes: &mut Notes) {
    for (at, before) in from.iter().enumerate() {
        let mut kept = Vec::new();
        for key in &before.foreign_keys {
            let mut key = key.clone();
            let words = format!("the foreign key over {}", key.columns.join(", "));
            match referred(&mut key, tables) {
                Ok(()) => {
                    settle_one(before, &mut key, &words, target, notes);
                    kept.push(key);
                }
                Err(why) => notes.add(&before.name, format!("{words} is left out: {why}")),
            }
        }
        tables.iter_mut().skip(at).take(1).for_each(|table| table.foreign_keys = std::mem::take(&mut kept));
    }
    // A type goes on to those that point to what took it.
    for _ in 0..tables.len() {
        if !take_types(tables, notes) {
            return;
        }
    }
}

/// Finds the key of a table that a foreign key points to, and says its columns in the order of that one.
fn referred(key: &mut ForeignKeyFacts, tables: &[TableFacts]) -> Result<(), String> {
    let there = tables.iter().find(|table| table.name == key.referred_table);
    let Some(other) = there.filter(|_| key.referred_schema.is_none()) else {
        return Err(format!("`{}` is not there", key.referred_table));
    };
    if key.referred_columns.is_empty() {
        key.referred_columns = other.primary_key.iter().flat_map(|key| key.columns.clone()).collect();
    }
    let keys = other.primary_key.iter().chain(&other.uniques).map(|key| key.columns.clone());
    let plain = other.indexes.iter().filter(|index| index.unique && index.filter.is_none());
    let indexes =
        plain.filter_map(|index| index.elements.iter().map(|element| element.column.clone()).collect());
    let same = |columns: &Vec<String>| {
        columns.len() == key.columns.len() && columns.iter().all(|name| key.referred_columns.contains(name))
    };
    let Some(order) = keys.chain(indexes).find(same) else {
        return Err(format!("it points to no key of `{}`", other.name));
    };
    let pairs: Vec<(String, String)> =
        key.referred_columns.iter().cloned().zip(key.columns.iter().cloned()).collect();
    let own = |name: &String| pairs.iter().find(|(theirs, _)| theirs == name).map(|(_, own)| own.clone());
    key.columns = order.iter().filter_map(own).collect();
    key.referred_columns = order;
    Ok(())
}

/// Gives both sides of each key one type; whether there was one to give.
fn take_types(tables: &mut [TableFacts], notes: &mut Notes) -> bool {
    let mut wanted = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        for key in &table.foreign_keys {
            let Some(other) = tables.iter().find(|other| other.name == key.referred_table) else { continue };
            for (own, theirs) in key.columns.iter().zip(&key.referred_columns) {
                let place =
                    |table: &TableFacts, name: &String| table.columns.iter().position(|c| c.name == *name);
                let (Some(own), Some(theirs)) = (place(table, own), place(other, theirs)) else { continue };
                let (Some(column), Some(model)) = (table.columns.get(own), other.columns.get(theirs)) else {
                    continue;
                };
                if column.ty != model.ty {
                    wanted.push((at, own, key.columns.join(", "), model.clone()));
                }
            }
        }
    }
    for (at, own, keys, model) in &wanted {
        let Some(table) = tables.get_mut(*at) else { continue };
        let Some(column) = table.columns.get_mut(*own) else { continue };
        if column.ty == model.ty {
            // Another key said so already.
            continue;
        }
        let words = format!("column `{}`", column.name);
        notes
            .add(&table.name, format!("{words}: it has the type that the foreign key over {keys} points to"));
        if column.ty.class() != model.ty.class() && column.default.take().is_some() {
            notes.add(&table.name, format!("{words}: its default is left out"));
        }
        (column.ty, column.declared) = (model.ty.clone(), model.declared.clone());
        column.collation.clone_from(&model.collation);
    }
    !wanted.is_empty()
}

/// When it is checked, and what happens then.
fn settle_one(table: &TableFacts, key: &mut ForeignKeyFacts, at: &str, target: &Target, notes: &mut Notes) {
    let mut note = |message: &str| notes.add(&table.name, format!("{at}: {message}"));
    for (_, name, value) in std::mem::take(&mut key.options).iter() {
        note(&format!("`{name}` ({value}) is left out"));
    }
    if key.comment.take().is_some() {
        note("its comment is left out");
    }
    if key.match_type.take().is_some() {
        note("MATCH is left out");
    }
    if !target.features().deferrable_keys && key.deferrable.take() == Some(true) {
        key.initially_deferred = false;
        note("it is checked at once");
    }
    let may_be_null =
        key.columns.iter().all(|name| table.columns.iter().any(|c| c.name == *name && c.nullable));
    for action in [&mut key.on_delete, &mut key.on_update] {
        let refused = match action {
            Action::SetNull => !may_be_null,
            Action::SetDefault => !target.features().set_default_keys,
            _ => false,
        };
        if refused {
            note(&format!("{} is left out", action.as_sql()));
            *action = Action::NoAction;
        }
    }
}
