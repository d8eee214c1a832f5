//! Why a rehearsal ended.

use serde::{Deserialize, Serialize};

/// Why a rehearsal ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ending {
    /// The reason.
    pub reason: EndReason,
    /// One sentence for a person, such as the server's error and the rows concerned.
    pub message: String,
}

/// Why a rehearsal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// Every batch was replayed.
    Complete,
    /// The requested precision was reached.
    Precision,
    /// The requested share of the batches was replayed.
    Fraction,
    /// The time limit was reached.
    MaxDuration,
    /// The person interrupted it.
    Interrupted,
    /// A statement failed.
    Failed,
    /// The connection was lost.
    ConnectionLost,
}

impl EndReason {
    /// Returns the reason as a sentence for a person.
    pub fn sentence(self) -> &'static str {
        match self {
            EndReason::Complete => "The whole migration was replayed.",
            EndReason::Precision => "The asked-for precision was reached.",
            EndReason::Fraction => "The planned share of the batches was replayed.",
            EndReason::MaxDuration => "The time allowed for the rehearsal was over.",
            EndReason::Interrupted => "The rehearsal was interrupted.",
            EndReason::Failed => "A statement failed.",
            EndReason::ConnectionLost => "The connection was lost.",
        }
    }
}
