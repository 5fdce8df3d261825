//! A family of several files as one table. Comes in: slices of rows. Goes out: one. Never: another order.

use crate::rule::Rule;

pub(crate) const fn count(parts: &[&[Rule]]) -> usize {
    let (mut all, mut part) = (0, 0);
    while part < parts.len() {
        all += parts[part].len();
        part += 1;
    }
    all
}

/// `N` is the count of the rows.
pub(crate) const fn joined<const N: usize>(parts: &[&[Rule]]) -> [Rule; N] {
    let mut all = [Rule::ROW; N];
    let (mut part, mut next) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            all[next] = parts[part][row];
            next += 1;
            row += 1;
        }
        part += 1;
    }
    all
}
