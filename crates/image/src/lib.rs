//! Artifacts and what is installed in them. Comes in: an image by reference, archive or layout, or a folder that is a
//! root file system. Goes out: its [`model::inventory::Inventory`], with a gap for everything that could not be read.
//! Never: unpacks to disk, trusts an archive's sizes, names or links, judges.
//!
//! The way of the data: a source names layers; each layer is walked once as a stream, and files that an extractor
//! wants become facts ([`extract`]) that know no other file, so they are kept by layer; the layers' entries are laid
//! over each other ([`tree`]); the facts of the files that remain make the inventory ([`assemble`]).

pub mod catalog;
pub mod extract;
pub mod layer;
pub mod limits;
pub mod path;
pub mod purl;
pub mod tar;
pub mod tree;
