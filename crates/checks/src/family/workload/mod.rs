//! WL: what a pod asks of its node, its network and its cluster.
//! A row of the Pod Security Standards says the same as a part of a level; it is asked where a level is (`pod_security`).

mod commands;
mod images;
mod kernel;
mod network;
mod patterns;
mod privileges;
mod references;
mod scheduling;
mod secrets;
mod volumes;

use crate::family::join;
use crate::rule::Rule;
use crate::test::{Test, Value, pod};

/// In the order of ids.
static PARTS: [&[Rule]; 9] = [
    privileges::RULES,
    volumes::RULES,
    kernel::RULES,
    network::RULES,
    secrets::RULES,
    images::RULES,
    commands::RULES,
    scheduling::RULES,
    references::RULES,
];

static ALL: [Rule; join::count(&PARTS)] = join::joined(&PARTS);
pub(crate) static RULES: &[Rule] = &ALL;

/// Linux alone has capabilities, seccomp and the like (the PodOS rules of pod validation).
const NOT_WINDOWS: Test = Test::Not(&Test::Is(pod(&["os", "name"]), Value::Text("windows")));
