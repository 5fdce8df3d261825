//! The use cases on small inputs: joins, findings, gate, bundle; and on the shop of the demo.

mod bundle;
mod database;
mod findings;
mod gate;
mod join;
mod sample;
mod shop;
