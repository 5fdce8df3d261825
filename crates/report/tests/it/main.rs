//! Every format over the same sample Assessments.

mod file;
mod formats;
mod sample;
mod terminal;
