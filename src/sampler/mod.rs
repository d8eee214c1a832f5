//! The sampler: queries a server for what the catalog and this program need to know, and returns facts.
//!
//! Reads through a [`Reader`], which cannot write; knows nothing of migrations, rehearsals or estimates. Each query is
//! one round trip that returns JSON documents. [`crate::catalog`], which knows no connection, interprets them.

mod confined;
mod count;
mod likeness;
mod outward;
pub mod probe;
mod schema;
mod server_state;
mod sizes;
mod snapshot;
mod tables;

pub use confined::confine;
pub use count::{SampleOptions, exact, key_range, sample};
pub use likeness::likeness;
pub use outward::{leading_out, outward};
pub use schema::schema;
pub use server_state::server_state;
pub use sizes::{missing_indexes, sizes};
pub use snapshot::snapshot;
use tables::document;
pub use tables::{TABLES_A_QUERY, server_facts, table, tables, tables_there};
