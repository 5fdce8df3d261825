//! Who may do what: `who-can`, the rights of one subject with what a log shows of their use, the least role.
//! Comes in: nouns of `model::rights`. Goes out: text, JSON, YAML. Never: a name that steers the terminal or ends a text.

mod can;
mod document;
mod lines;
mod who;
mod yaml;

pub use can::can;
pub use document::{can_json, can_schema, who_json, who_schema};
pub use who::who;
pub use yaml::role;
