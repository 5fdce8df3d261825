//! Every format over the same sample Assessments.

mod file;
mod formats;
mod html;
mod sample;
mod terminal;
