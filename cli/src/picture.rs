//! A schema as a picture in SVG: tables as boxes with their columns, foreign keys as arrows from the column
//! that holds them to the table they point to.
//!
//! Boxes stand in layers: what is pointed to left of what points, so that most arrows go one way; a layer that
//! is too high is several columns of boxes. Within a layer boxes stand near those they are connected with.
//! Boxes never overlap: columns of boxes have widths of their own, and boxes in a column follow each other.

use std::collections::HashMap;
use std::fmt::Write as _;

use mirrorm::dialect::{SchemaFacts, TableFacts};

use super::diagram::{html, is_foreign, is_in_key, is_optional, keys, tables};

const LETTER: f64 = 7.25;
const LINE: f64 = 18.0;
const PADDING: f64 = 10.0;
/// Between boxes above each other, and between columns of boxes, where arrows go.
const GAP: f64 = 26.0;
const AISLE: f64 = 90.0;

/// A box: a table, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Columns of a text in a font of equal letters; those of East Asia take two.
fn letters(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() || (c as u32) < 0x1100 { 1 } else { 2 }).sum()
}

fn size(table: &TableFacts) -> (f64, f64) {
    let names = table.columns.iter().map(|c| letters(&c.name)).max().unwrap_or(0);
    let types = table.columns.iter().map(|c| letters(&shown_type(&c.declared))).max().unwrap_or(0);
    let widest = (names + types + 4).max(letters(&table.name) + 2);
    (widest as f64 * LETTER + 2.0 * PADDING, LINE * (table.columns.len() as f64 + 1.0) + 2.0 * PADDING)
}

/// A type, cut where it is a long list.
fn shown_type(declared: &str) -> String {
    match declared.char_indices().nth(28) {
        Some((at, _)) => format!("{}…", declared.get(..at).unwrap_or(declared)),
        None => declared.to_string(),
    }
}

/// Which layer each table is in: one right of the rightmost it points to. Keys of a circle count once.
fn layers(names: &[&str], edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layer = vec![0_usize; names.len()];
    // As many rounds as a chain can be long; in a circle the layers would grow for ever.
    for _ in 0..names.len().min(60) {
        let before = layer.clone();
        for (from, to) in edges.iter().filter(|(from, to)| from != to) {
            let wanted = before.get(*to).copied().unwrap_or(0) + 1;
            let back = edges.iter().any(|(a, b)| a == to && b == from);
            if let Some(own) = layer.get_mut(*from)
                && wanted <= 8
                && !(back && from > to)
            {
                *own = (*own).max(wanted);
            }
        }
        if layer == before {
            break;
        }
    }
    layer
}

/// Where the boxes stand.
pub(super) fn layout(facts: &SchemaFacts) -> Vec<Placed> {
    let all: Vec<&TableFacts> = tables(facts).collect();
    let place: HashMap<&str, usize> = all.iter().enumerate().map(|(at, t)| (t.name.as_str(), at)).collect();
    let at = |table: &TableFacts| place.get(table.name.as_str()).copied().unwrap_or(0);
    let edges: Vec<(usize, usize)> = keys(facts).map(|(from, _, to)| (at(from), at(to))).collect();
    let names: Vec<&str> = all.iter().map(|table| table.name.as_str()).collect();
    let layer = layers(&names, &edges);
    let alone = |n: &usize| !edges.iter().any(|(from, to)| from == n || to == n);
    let last = layer.iter().max().copied().unwrap_or(0);
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); last + 2];
    for n in 0..all.len() {
        // What is connected with nothing stands last.
        let own = if alone(&n) { last + 1 } else { layer.get(n).copied().unwrap_or(0) };
        groups.get_mut(own).into_iter().for_each(|group| group.push(n));
    }
    order(&mut groups, &edges, all.len());
    stand(&groups, &all)
}

/// Puts each box of a layer where those it is connected with stand, from left to right and back.
fn order(groups: &mut [Vec<usize>], edges: &[(usize, usize)], count: usize) {
    let mut height = vec![0.0_f64; count];
    let note = |group: &[usize], height: &mut Vec<f64>| {
        for (at, n) in group.iter().enumerate() {
            height.get_mut(*n).into_iter().for_each(|h| *h = (at as f64 + 0.5) / group.len() as f64);
        }
    };
    groups.iter().for_each(|group| note(group, &mut height));
    for round in 0..6 {
        let turn: Vec<usize> =
            if round % 2 == 0 { (0..groups.len()).collect() } else { (0..groups.len()).rev().collect() };
        for at in turn {
            let Some(group) = groups.get_mut(at) else { continue };
            let wish = |n: usize| {
                let near: Vec<f64> = edges
                    .iter()
                    .filter_map(|(from, to)| {
                        if *from == n {
                            Some(*to)
                        } else if *to == n {
                            Some(*from)
                        } else {
                            None
                        }
                    })
                    .filter_map(|other| height.get(other).copied())
                    .collect();
                let own = height.get(n).copied().unwrap_or(0.0);
                if near.is_empty() { own } else { near.iter().sum::<f64>() / near.len() as f64 }
            };
            let mut wished: Vec<(f64, usize)> = group.iter().map(|n| (wish(*n), *n)).collect();
            wished.sort_by(|a, b| a.0.total_cmp(&b.0));
            *group = wished.into_iter().map(|(_, n)| n).collect();
            note(group, &mut height);
        }
    }
}

/// Columns of boxes from left to right, none much higher than the picture is wide.
fn stand(groups: &[Vec<usize>], all: &[&TableFacts]) -> Vec<Placed> {
    let sizes: Vec<(f64, f64)> = all.iter().map(|table| size(table)).collect();
    let area: f64 = sizes.iter().map(|(w, h)| (w + AISLE) * (h + GAP)).sum();
    let most = (area / 1.6).sqrt().max(sizes.iter().map(|(_, h)| *h).fold(0.0, f64::max));
    let mut placed = Vec::new();
    let mut x = GAP;
    for group in groups {
        let (mut y, mut widest) = (GAP, 0.0_f64);
        for n in group {
            let (Some((width, height)), Some(table)) = (sizes.get(*n).copied(), all.get(*n)) else {
                continue;
            };
            if y > GAP && y + height > most + GAP {
                x += widest + AISLE;
                (y, widest) = (GAP, 0.0);
            }
            placed.push(Placed { name: table.name.clone(), x, y, width, height });
            y += height + GAP;
            widest = widest.max(width);
        }
        if widest > 0.0 {
            x += widest + AISLE;
        }
    }
    placed
}

/// The picture.
pub(super) fn svg(facts: &SchemaFacts) -> String {
    let boxes = layout(facts);
    let right = boxes.iter().map(|b| b.x + b.width).fold(200.0, f64::max) + GAP;
    let low = boxes.iter().map(|b| b.y + b.height).fold(60.0, f64::max) + GAP;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{right:.0}\" height=\"{low:.0}\" \
         viewBox=\"0 0 {right:.0} {low:.0}\" font-family=\"ui-monospace, DejaVu Sans Mono, monospace\" font-size=\"12\">\n\
         <defs><marker id=\"to\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto-start-reverse\"><path d=\"M0 0L10 5L0 10z\" fill=\"#557\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let find = |table: &TableFacts| boxes.iter().find(|placed| placed.name == table.name);
    for (from, key, to) in keys(facts) {
        let (Some(a), Some(b)) = (find(from), find(to)) else { continue };
        let row = key.columns.first().and_then(|name| from.columns.iter().position(|c| c.name == *name));
        let head =
            key.referred_columns.first().and_then(|name| to.columns.iter().position(|c| c.name == *name));
        arrow(a, row, b, head, is_optional(from, key), &mut text);
    }
    for (placed, table) in boxes.iter().filter_map(|placed| {
        tables(facts).find(|table| table.name == placed.name).map(|table| (placed, table))
    }) {
        draw(placed, table, &mut text);
    }
    text.push_str("</svg>\n");
    text
}

/// The middle of a row of a box; of none, of its title.
fn height_of(placed: &Placed, row: Option<usize>) -> f64 {
    placed.y + PADDING + LINE * (row.map_or(0.0, |row| row as f64 + 1.0) + 0.5)
}

/// A curve between the sides that face each other; out to the right and back where both stand in one column.
fn arrow(a: &Placed, row: Option<usize>, b: &Placed, head: Option<usize>, optional: bool, text: &mut String) {
    let (y1, y2) = (height_of(a, row), height_of(b, head));
    let (x1, x2, out, back) = if a.x > b.x + b.width {
        (a.x, b.x + b.width, -AISLE / 2.0, AISLE / 2.0)
    } else if b.x > a.x + a.width {
        (a.x + a.width, b.x, AISLE / 2.0, -AISLE / 2.0)
    } else {
        (a.x + a.width, b.x + b.width, AISLE / 2.0, AISLE / 2.0)
    };
    let dashes = if optional { " stroke-dasharray=\"5 3\"" } else { "" };
    let _ = writeln!(
        text,
        "<path d=\"M{x1:.1} {y1:.1}C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}\" fill=\"none\" stroke=\"#557\" \
         stroke-opacity=\".75\"{dashes} marker-end=\"url(#to)\"/>",
        x1 + out,
        x2 + back
    );
}

fn draw(placed: &Placed, table: &TableFacts, text: &mut String) {
    let Placed { x, y, width, height, .. } = placed;
    let _ = writeln!(
        text,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"5\" fill=\"#fafaff\" \
         stroke=\"#99b\"/>\n<path d=\"M{x:.1} {0:.1}h{width:.1}\" stroke=\"#99b\"/>",
        y + PADDING / 2.0 + LINE
    );
    let base = |row: f64| y + PADDING + LINE * row + 13.0;
    let left = x + PADDING;
    let _ = writeln!(
        text,
        "<text x=\"{left:.1}\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
        base(-0.15),
        html(&table.name)
    );
    for (at, column) in table.columns.iter().enumerate() {
        let y = base(at as f64 + 1.0);
        let style = if is_in_key(table, column) { " text-decoration=\"underline\"" } else { "" };
        let colour = if is_foreign(table, column) { " fill=\"#225\" font-style=\"italic\"" } else { "" };
        let _ =
            writeln!(text, "<text x=\"{left:.1}\" y=\"{y:.1}\"{style}{colour}>{}</text>", html(&column.name));
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\" fill=\"#888\">{}</text>",
            x + width - PADDING,
            html(&shown_type(&column.declared))
        );
    }
}

#[cfg(test)]
mod tests {
    use mirrorm::dialect::{ColumnFacts, ForeignKeyFacts};

    use super::*;

    fn overlaps(boxes: &[Placed]) -> Option<(&Placed, &Placed)> {
        boxes.iter().enumerate().find_map(|(at, a)| {
            let hit = |b: &&Placed| {
                a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
            };
            boxes[at + 1..].iter().find(hit).map(|b| (a, b))
        })
    }

    /// Tables that point to each other as a number says, in circles and to themselves among others.
    fn schema(count: usize, seed: usize) -> SchemaFacts {
        let table = |n: usize| {
            let columns = (0..(n * 7 + seed) % 15 + 1).map(|c| ColumnFacts {
                name: format!("column_{c}"),
                declared: "integer".into(),
                ..Default::default()
            });
            let targets: Vec<usize> = (0..(n + seed) % 4).map(|k| (n * (k + 3) + seed * 5) % count).collect();
            let key = |to: &usize| ForeignKeyFacts {
                columns: vec!["column_0".into()],
                referred_table: format!("table_{to}"),
                ..Default::default()
            };
            TableFacts {
                name: format!("table_{n}"),
                columns: columns.collect(),
                foreign_keys: targets.iter().map(key).collect(),
                ..Default::default()
            }
        };
        SchemaFacts { tables: (0..count).map(table).collect(), ..Default::default() }
    }

    #[test]
    fn boxes_never_overlap() {
        for count in [0, 1, 2, 12, 70, 200] {
            for seed in 0..10 {
                let facts = schema(count.max(1), seed);
                let boxes = layout(&facts);
                assert_eq!(boxes.len(), facts.tables.len(), "each table has one");
                assert_eq!(overlaps(&boxes), None);
            }
        }
    }

    #[test]
    fn what_is_pointed_to_stands_left() {
        let mut facts = schema(2, 0);
        facts.tables[0].foreign_keys.clear();
        facts.tables[1].foreign_keys = vec![ForeignKeyFacts {
            columns: vec!["column_0".into()],
            referred_table: "table_0".into(),
            ..Default::default()
        }];
        let boxes = layout(&facts);
        let x = |name: &str| boxes.iter().find(|b| b.name == name).unwrap().x;
        assert!(x("table_0") < x("table_1"));
        let text = svg(&facts);
        assert_eq!(text.matches("marker-end").count(), 1);
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
    }

    #[test]
    fn names_are_text() {
        let mut facts = schema(1, 0);
        facts.tables[0].name = "<script>&".into();
        assert!(svg(&facts).contains("&lt;script&gt;&amp;"));
    }
}
