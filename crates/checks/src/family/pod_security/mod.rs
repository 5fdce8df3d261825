//! PSS: the Pod Security Standards, control by control as the API server decides them, and what namespaces make of them.
//! A control is asked where somebody asks for a level; the workload rules ask for the same without being asked.

mod controls;
mod namespaces;

use crate::family::join;
use crate::rule::Rule;

static PARTS: [&[Rule]; 2] = [controls::RULES, namespaces::RULES];

static ALL: [Rule; join::count(&PARTS)] = join::joined(&PARTS);
pub(crate) static RULES: &[Rule] = &ALL;
