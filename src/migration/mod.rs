//! SQL text → statements → steps: what a migration consists of, and how each part is to be timed.
//!
//! Pure: no database, file, clock or terminal. What the catalog knows comes in as
//! [`TableFacts`](crate::catalog::facts::TableFacts).

mod batching;
mod command;
mod command_name;
mod copied_rows;
mod course;
mod depth;
mod directive;
mod effects;
mod equivalent_check;
mod expand_contract;
pub mod formats;
mod kind;
mod lexer;
mod lock_mode;
mod losses;
mod named_relation;
mod names;
mod outline;
mod plan;
mod predicate;
mod reach;
mod roles;
mod session;
mod source;
mod splitter;
mod statement;
mod step;
mod steps;
mod syntax;
mod template;
mod templating;
mod tool;
mod transactions;
mod trap;
mod variables;
mod windows;

pub use batching::{BIG_TABLE_ROWS, BatchOptions, NotInCatalog, Tables};
pub use command_name::command;
pub use copied_rows::inserting;
pub use course::schema_after;
pub use directive::{BatchDirective, DEFAULT_BATCH_SIZE, Directive};
pub use effects::{Effects, TransactionRule, effects, safe_form};
pub use equivalent_check::{RowCheck, equivalent_check, row_check};
pub use expand_contract::{PhaseFile, expand_and_contract};
pub use lexer::BatchEdge;
pub use lock_mode::LockMode;
pub use losses::{Loss, losses};
pub use names::nearest;
pub use plan::{PlannedStatement, PlannedTable, names_in, plan};
pub use predicate::{more_than_reading, names_of};
pub use reach::{Outlets, OutsideKind, called, reaches, reaches_in_body, written};
pub use roles::roles_in;
pub use session::{
    LeftInSession, alters, inserts, keeps_to_tables, left_in_session, looks_up, only_sets_not_null, steers_its_session,
    timeout_set, updates, waits_for_snapshots,
};
pub use statement::{Include, Included, Sending, Statement, no_statement, parse, parse_with};
pub use step::{Batching, RecognisedBy, Step, StepKind, Template, TemplatePart, Walk, Window};
pub use steps::{steps, tables_of};
pub use template::{condition, is_integer_key};
pub use tool::Tool;
pub use trap::{Trap, Warning};
pub use variables::substitute;
pub use windows::{WalkFrom, WalkRange, batches_sql, key_range_sql, look_up_sql, sample_sql};
