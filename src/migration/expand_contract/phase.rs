//! A phase of a plan.

/// A phase that has no number yet.
pub(super) struct Phase {
    pub(super) name: &'static str,
    /// What happens, in a few words.
    pub(super) title: String,
    /// Notes for the person who runs it.
    pub(super) notes: Vec<String>,
    pub(super) forward: Vec<String>,
    pub(super) back: Vec<String>,
}
