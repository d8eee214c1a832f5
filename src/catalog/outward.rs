//! What of a database may lead out of it without a statement that says so: foreign tables and what leads to them, routines,
//! event triggers, subscriptions.
//!
//! Tells what there is; whether a routine's code reaches outside is not known here.

use serde::Deserialize;

/// What may lead out of a database.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct OutwardFacts {
    /// Routines that somebody wrote in SQL or PL/pgSQL.
    pub routines: Vec<Routine>,
    /// Event triggers that are enabled, with the names of their functions.
    pub event_triggers: Vec<(String, String)>,
    /// Names of the database's enabled subscriptions.
    pub subscriptions: Vec<String>,
}

/// A function or procedure.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Routine {
    /// What the catalog knows it by.
    pub id: u32,
    /// Own name, bare.
    pub name: String,
    /// Its body, or all of its definition where that is one with its body.
    pub body: String,
    /// Whether it runs as a trigger.
    pub is_of_triggers: bool,
}

/// A relation that leads out when it is written to.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LeadingOut {
    /// Schema, bare.
    pub schema: String,
    /// Own name, bare.
    pub bare_name: String,
    /// Whether its own name is enough to mean it, by the search path.
    pub is_visible: bool,
    /// What it leads to: a foreign table, or a table with a trigger; itself or another. Qualified, quoted where SQL needs it.
    pub end: String,
    /// The foreign server of that table.
    pub server: Option<String>,
    /// The trigger of that table, with the name of its function.
    pub trigger: Option<(String, u32)>,
}
