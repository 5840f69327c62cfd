//! Sorting things that depend on each other: tables for CREATE and DROP, rows for a flush.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// An order in which every item comes after those it depends on.
///
/// `depends` lists, for item `i`, the items it needs first; an item may name itself, which is
/// ignored. Equal input gives equal output: of the items that are ready the first given comes
/// first (Kahn's algorithm over a heap).
///
/// # Errors
/// The items of the circles, when there are any; they and what depends on them have no order.
pub fn sort(count: usize, depends: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut missing = vec![0usize; count];
    for (item, needs) in depends.iter().enumerate().take(count) {
        for need in needs.iter().filter(|need| **need != item) {
            if let (Some(list), Some(open)) = (needed_by.get_mut(*need), missing.get_mut(item)) {
                list.push(item);
                *open += 1;
            }
        }
    }
    let ready = missing.iter().enumerate().filter(|(_, open)| **open == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.map(|(item, _)| Reverse(item)).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(Reverse(item)) = ready.pop() {
        order.push(item);
        for next in needed_by.get(item).into_iter().flatten() {
            if let Some(open) = missing.get_mut(*next) {
                *open -= 1;
                if *open == 0 {
                    ready.push(Reverse(*next));
                }
            }
        }
    }
    if order.len() == count {
        return Ok(order);
    }
    Err(missing.iter().enumerate().filter(|(_, open)| **open > 0).map(|(item, _)| item).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_come_first() {
        assert_eq!(sort(3, &[vec![2], vec![], vec![1]]), Ok(vec![1, 2, 0]));
        assert_eq!(sort(2, &[vec![0], vec![0]]), Ok(vec![0, 1]), "itself is no obstacle");
        assert_eq!(sort(0, &[]), Ok(vec![]));
    }

    #[test]
    fn circles_are_named() {
        assert_eq!(sort(3, &[vec![1], vec![0], vec![]]), Err(vec![0, 1]));
    }
}
