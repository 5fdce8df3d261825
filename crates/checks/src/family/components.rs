//! SUP: versions of components, their end of life, conditions of known vulnerabilities.

use crate::rule::Rule;

pub(crate) static RULES: &[Rule] = &[];
