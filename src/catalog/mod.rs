//! The sampler: what the catalog of a server says about tables, as plain data.
//!
//! Reads through a [`crate::server::Reader`], which cannot write; knows nothing of migrations, rehearsals or estimates.

pub mod facts;
