//! The importer from outside: what each format's documents become, and what damaged ones say.

mod count;
mod damage;
mod formats;
mod paths;
mod robustness;
