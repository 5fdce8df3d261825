//! The database end to end: built from feeds, opened, asked.

mod damaged;
mod real;
mod small;
