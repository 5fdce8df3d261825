//! Every format over the same sample Assessments.

mod file;
mod sample;
mod terminal;
