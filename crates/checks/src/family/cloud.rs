//! CLD: what managed clusters show of themselves.

use crate::rule::Rule;

pub(crate) static RULES: &[Rule] = &[];
