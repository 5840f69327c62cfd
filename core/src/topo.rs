//! Sorting things that depend on each other: tables for CREATE and DROP, rows for a flush.

/// An order in which every item comes after those it depends on.
///
/// `depends` lists, for item `i`, the items it needs first; an item may name itself, which is
/// ignored. Equal input gives equal output, near to the given order.
///
/// # Errors
/// The items of the circles, when there are any; they and what depends on them have no order.
pub(crate) fn sort(count: usize, depends: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut placed = vec![false; count];
    let mut order = Vec::with_capacity(count);
    loop {
        let before = order.len();
        for item in 0..count {
            let is_placed = |i: &usize| *i == item || placed.get(*i).copied().unwrap_or(true);
            let ready = depends.get(item).is_none_or(|needs| needs.iter().all(is_placed));
            if ready && placed.get(item) == Some(&false) {
                order.push(item);
                placed.iter_mut().skip(item).take(1).for_each(|flag| *flag = true);
            }
        }
        if order.len() == count {
            return Ok(order);
        }
        if order.len() == before {
            let left = placed.iter().enumerate().filter(|(_, done)| !**done);
            return Err(left.map(|(item, _)| item).collect());
        }
    }
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
