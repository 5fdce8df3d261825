//! What RBAC rights are worth to an attacker: a table of primitives, and which role holds which.
//! Comes in: rules. Goes out: [`Powers`] a role. Never: a judgement of the API server repeated; `semantics` has it.

mod deputies;
mod powers;
mod table;

pub(crate) use deputies::DEPUTIES;
pub(crate) use powers::{Held, Needs, Powers, works};
pub(crate) use table::{Aim, PRIMITIVES};

/// What a primitive, or a deputy after them, lets one do.
pub(crate) fn may(primitive: u16) -> (&'static str, String) {
    let n = usize::from(primitive);
    match (
        PRIMITIVES.get(n),
        DEPUTIES.get(n.saturating_sub(PRIMITIVES.len())),
    ) {
        (Some(primitive), _) => (primitive.kind, primitive.may.to_owned()),
        (None, Some(deputy)) => (DEPUTY, format!("have {} act for it", deputy.name)),
        (None, None) => ("", String::new()),
    }
}

pub(crate) const DEPUTY: &str = "CONFUSED_DEPUTY";
