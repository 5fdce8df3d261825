//! The laws of the score and the queue: golden cases of rules 6 to 8, properties of prioritisation facts 6.6.
#![cfg(test)]

mod golden;
mod hosts;
mod laws;
mod queue;
mod scale;
mod tables;
mod unplaced;
mod world;
