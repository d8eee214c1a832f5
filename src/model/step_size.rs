//! How large a step is where it is predicted: by the work that was observed, else by its table.

use super::Target;
use super::forecast::{rows_relative_sd, size_ratio};
use super::scale::Scale;
use crate::observation::StepRecord;

/// How large a step is where it is predicted.
#[derive(Clone, Copy, Default)]
pub struct StepSize<'a> {
    /// Its size there by its table; `None` for the clone's.
    pub target: Option<&'a Target>,
    /// Its size there by its work, where that was observed.
    pub scale: Option<&'a Scale>,
}

/// By what the clone's numbers are multiplied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Multiple {
    /// The work.
    pub work: f64,
    /// The duration on top, for what grows with the square.
    pub beyond: f64,
    /// What is written.
    pub written: f64,
    /// Standard deviation of the logarithm.
    pub log_sd: f64,
}

impl StepSize<'_> {
    /// Returns the multiple for a step; `clone_rows` are those of its table on the clone, and `grows` says whether it
    /// takes longer where there are more rows.
    pub fn multiple(&self, step: &StepRecord, clone_rows: Option<f64>, grows: bool) -> Multiple {
        if !grows {
            return Multiple::ONE;
        }
        if let Some(scale) = self.scale {
            return Multiple {
                work: scale.linear.max(1e-9),
                beyond: scale.beyond,
                written: scale.written,
                log_sd: scale.log_sd,
            };
        }
        let ratio = size_ratio(clone_rows, self.target);
        Multiple {
            work: ratio,
            beyond: 1.0,
            written: ratio,
            // On the clone the statement processed all rows there are.
            log_sd: self.target.map_or(0.0, |target| rows_relative_sd(step, Some(target))),
        }
    }
}

impl Multiple {
    /// The clone's size.
    const ONE: Multiple = Multiple {
        work: 1.0,
        beyond: 1.0,
        written: 1.0,
        log_sd: 0.0,
    };
}
