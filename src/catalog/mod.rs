//! Facts about a server, its tables and its schema: plain data, what can be derived from it, and the parsing of a
//! server's answers.
//!
//! Pure: no connection is needed or known here; `sampler` queries the server.

mod column_use;
mod difference;
pub(crate) mod document;
pub mod facts;
mod indexes;
mod kinds;
mod likeness;
mod missing_index;
mod names;
mod outward;
mod refusal;
mod relation;
mod relation_size;
mod relations;
mod rows;
mod sampling;
mod schema;
pub mod server_state;
pub mod snapshot;
mod table;

pub(crate) use indexes::is_integer;
pub(crate) use names::slack;
pub(crate) use refusal::not_found;
pub(crate) use sampling::{Moments, from_count, from_moments};

pub use column_use::{ColumnUse, ColumnUser};
pub use difference::{SchemaChange, SchemaDifference, differences};
pub use kinds::{ConstraintKind, ForeignKeyAction, Persistence, RelationKind, Volatility};
pub use likeness::{CloneDifference, LikenessFact, SERVER_SETTINGS, SESSION_SETTINGS, clone_differences, to_adopt};
pub use missing_index::{MissingIndex, missing_index};
pub use names::RelationName;
pub use outward::{LeadingOut, OutwardFacts, Routine};
pub use refusal::{KnownRelation, nearest};
pub use relation::{ColumnFacts, ConstraintFacts, Origin, RelationFacts, RuleFacts, SchemaIndex};
pub use relation_size::{RelationSize, SizeGrowth, growth_of_sizes};
pub use relations::Relations;
pub use sampling::{Matching, Sampled};
pub use schema::{DependedOn, Dependents, PublicationFacts, SchemaFacts, SessionSettings, TEMPORARY, TypeFacts};
pub use table::facts_from_document;
