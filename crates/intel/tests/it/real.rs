//! The real feeds, read a second time without this crate's readers.
