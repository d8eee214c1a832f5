//! Expand and contract: splits a rename, or a type change that rewrites the table, into phases, each with its rollback.
//! Each phase is short or does not block the application.
//!
//! Pure: the schema is given as facts (structure) and as a snapshot (definitions as PostgreSQL prints them). A plan
//! that cannot be written safely is refused with the reason, never written in part.

mod column;
mod dependents;
mod facts;
mod identifiers;
mod in_step;
mod phase;
mod phase_files;
mod switch;
mod table;

pub use phase_files::{PhaseFile, expand_and_contract};
