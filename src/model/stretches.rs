//! Stretches of consecutive batches, and the unit in which the work of a batch is counted.

use crate::observation::Observation;

/// What a unit of work is: seconds ≈ rate × (`per_batch` × batches + `per_row` × rows).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorkUnit {
    /// Work of a batch without rows.
    pub per_batch: f64,
    /// Work of a row.
    pub per_row: f64,
}

/// A stretch of consecutive observations of one run and segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Repetition it belongs to.
    pub run: u32,
    /// Index of its first observation.
    pub start: usize,
    /// Index after its last observation.
    pub end: usize,
    /// Number of its observations that are not warm-up.
    pub settled: usize,
}

impl WorkUnit {
    /// Work is counted in rows.
    pub const ROW: WorkUnit = WorkUnit {
        per_batch: 0.0,
        per_row: 1.0,
    };
    /// Work is counted in batches.
    pub const BATCH: WorkUnit = WorkUnit {
        per_batch: 1.0,
        per_row: 0.0,
    };

    /// Returns the work of `batches` batches that have `rows` rows in total.
    pub fn work(&self, batches: f64, rows: f64) -> f64 {
        self.per_batch * batches + self.per_row * rows
    }
}

/// Returns the stretches of the observations, in the order of execution.
pub fn stretches(observations: &[Observation]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut segment = 0;
    for (index, observation) in observations.iter().enumerate() {
        let settled = usize::from(!observation.warm_up);
        match stretches.last_mut() {
            Some(last) if last.run == observation.run && segment == observation.segment => {
                last.end = index + 1;
                last.settled += settled;
            }
            _ => stretches.push(Stretch {
                run: observation.run,
                start: index,
                end: index + 1,
                settled,
            }),
        }
        segment = observation.segment;
    }
    stretches
}
