//! RBAC: what roles and bindings give away.

pub(crate) mod ask;
mod bindings;
mod escalation;
mod hygiene;
mod pods;
mod system;

use crate::rule::Rule;

pub(crate) static RULES: &[Rule] = &ALL;

const PARTS: [&[Rule]; 5] = [
    escalation::RULES,
    pods::RULES,
    system::RULES,
    bindings::RULES,
    hygiene::RULES,
];

static ALL: [Rule; count()] = all();

#[allow(clippy::indexing_slicing, reason = "while compiling")]
const fn count() -> usize {
    let (mut rows, mut part) = (0, 0);
    while part < PARTS.len() {
        rows += PARTS[part].len();
        part += 1;
    }
    rows
}

#[allow(
    clippy::indexing_slicing,
    clippy::large_stack_arrays,
    reason = "while compiling"
)]
const fn all() -> [Rule; count()] {
    let mut all = [Rule::ROW; count()];
    let (mut part, mut row, mut at) = (0, 0, 0);
    while part < PARTS.len() {
        if row < PARTS[part].len() {
            all[at] = PARTS[part][row];
            row += 1;
            at += 1;
        } else {
            part += 1;
            row = 0;
        }
    }
    all
}
