//! Parts of a database through which a statement can affect something outside it without saying so: foreign tables and
//! relations that lead to them, routines, event triggers, subscriptions.
//!
//! Only lists what exists; whether a routine's code has effects outside is decided elsewhere.

use serde::Deserialize;

/// What may have effects outside a database.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct OutwardFacts {
    /// Routines written by users in SQL or PL/pgSQL.
    pub routines: Vec<Routine>,
    /// Event triggers that are enabled, with the names of their functions.
    pub event_triggers: Vec<(String, String)>,
    /// Names of the database's enabled subscriptions.
    pub subscriptions: Vec<String>,
}

/// A function or procedure.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Routine {
    /// OID of the routine.
    pub id: u32,
    /// Own name, bare.
    pub name: String,
    /// Its body; the whole definition if that contains the body.
    pub body: String,
    /// Whether it is a trigger function.
    pub is_of_triggers: bool,
}

/// A relation that affects something outside when it is written to.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LeadingOut {
    /// Schema, bare.
    pub schema: String,
    /// Own name, bare.
    pub bare_name: String,
    /// Whether the name without a schema refers to it, by the search path.
    pub is_visible: bool,
    /// The table it leads to, which may be itself: a foreign table, or a table with a trigger. Qualified, quoted where
    /// SQL needs it.
    pub end: String,
    /// The foreign server of that table.
    pub server: Option<String>,
    /// The trigger of that table, with the name of its function.
    pub trigger: Option<(String, u32)>,
}
