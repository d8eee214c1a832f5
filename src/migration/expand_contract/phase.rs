//! A phase of a plan.

/// A phase before it has its number.
pub(super) struct Phase {
    pub(super) name: &'static str,
    /// What happens, in a few words.
    pub(super) title: String,
    /// What whoever runs it should know.
    pub(super) notes: Vec<String>,
    pub(super) forward: Vec<String>,
    pub(super) back: Vec<String>,
}
