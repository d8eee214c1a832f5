//! migtime: how long will this PostgreSQL migration take on production, what does it lock, does it fit tonight?
//!
//! ```text
//! SQL file ──► statements ──┐
//!                           ├─► steps ──► rehearsal ──► observations ──► estimate ──► report
//! catalog of production ────┘            (staging)     rehearsal.json    (pure)      (pure)
//! ```
//! A rehearsal's observations are saved once; everything after that is arithmetic.
//!
//! # The house
//! Imports only go down. The two wings (`rehearsal` > `sampler` > `server`, and `report` > `model`) meet only in the
//! hall.
//!
//! | floor | room | what happens there |
//! | --- | --- | --- |
//! | door | `main.rs` | arguments in, exit code out |
//! | hall | [`cli`] | one file a command; the only place where I/O and arithmetic meet |
//! | wing | [`rehearsal`] | walks the steps on the clone and saves what it measures |
//! | wing | [`report`] | estimate → HTML, CSV, JSON, Markdown, terminal; plots |
//! | below | [`sampler`] | asks a server through a read-only [`server::Reader`] → facts of the catalog |
//! | below | [`server`] | connections (psql's conventions), guards, the throwaway server, the sandbox |
//! | below | [`model`] | observations → estimate |
//! | ground | [`observation`] | what was measured, and its file format |
//! | ground | [`migration`] | files of migration tools → SQL text → statements → steps |
//! | ground | [`catalog`] | facts of a server, its tables and schema, as plain data |
//! | cellar | [`stats`] | arithmetic that knows nothing of migrations |
//! | cellar | [`units`], [`error`], [`shown`], [`quoting`] | quantities, errors, text to show, text in SQL |
//!
//! # Invariants, each kept by a test
//! 1. `catalog`, `migration`, `model`, `observation`, `quoting`, `report`, `shown`, `stats` and `units` touch no
//!    database, file, clock or terminal, and import no room that does, neither directly nor through others.
//! 2. Production is only read: its session is read-only, and its type has no method that writes.
//! 3. An observation is what was measured, never adjusted.
//! 4. Every number a reader sees has its unit and, if estimated, its interval and basis.
//! 5. Random numbers come from one seeded generator that is passed in.
//! 6. A saved file states its `format_version`; an unknown version is a clear error.
//! 7. A rehearsal interrupted at any point leaves a readable `rehearsal.json` of what was measured.
//! 8. No two files import each other, neither directly nor through others: each can be read without those above it.
//! 9. Nothing outside the one database of the clone is changed, as far as the statements show, unless it was allowed by
//!    name.
#![warn(missing_docs)]

pub mod catalog;
pub mod cli;
pub mod error;
pub mod migration;
pub mod model;
pub mod observation;
pub mod quoting;
pub mod rehearsal;
pub mod report;
pub mod sampler;
pub mod server;
pub mod shown;
pub mod stats;
pub mod units;
