//! What a statement's waits and failed runs on the clone mean for production: they are not part of its work, but
//! deserve a warning.
//!
//! How long `CREATE INDEX CONCURRENTLY` waits depends on the open transactions of other sessions, and those on the
//! clone tell nothing about production's. So only the work is predicted and scaled: [`Observation::working_seconds`].

use crate::observation::{LockRecord, StepRecord};
use crate::units::Seconds;

/// Returns the locks with their hold times multiplied by `factor`. The waits during which they were held are subtracted
/// first: a statement holds its locks as long as it runs.
pub fn scaled_locks(step: &StepRecord, factor: f64) -> Vec<LockRecord> {
    let waited: f64 = step.waits.iter().map(|wait| wait.seconds).sum();
    let worked = |held: f64| if held > waited { held - waited } else { held };
    let scaled = |lock: &LockRecord| LockRecord {
        held_seconds: lock.held_seconds.map(|held| worked(held) * factor),
        ..lock.clone()
    };
    step.locks.iter().map(scaled).collect()
}

/// Returns warnings about waits and failed runs.
pub fn warnings(step: &StepRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    let waited: f64 = step
        .observations
        .iter()
        .filter_map(|observation| observation.waited_seconds)
        .sum();
    if waited > 0.0 {
        warnings.push(format!(
            "It waited {} for other sessions on the clone, which is not part of the estimate: on production it waits \
             as long as the transactions that are open there.",
            Seconds(waited)
        ));
    }
    if let Some(attempt) = step.failed_attempts.first() {
        warnings.push(format!(
            "It failed on the clone before it succeeded ({}); the time of that is not part of the estimate.",
            attempt.error
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::LockMode;
    use crate::observation::WaitRecord;

    #[test]
    fn waits_are_not_scaled_with_the_rows() {
        let lock = |held| LockRecord {
            relation: "public.t".to_string(),
            mode: LockMode::ShareUpdateExclusive,
            held_seconds: Some(held),
            sampled_every_seconds: Some(0.1),
        };
        let step = StepRecord {
            locks: vec![lock(10.0), lock(2.0)],
            waits: vec![WaitRecord {
                waiting_for: "waiting for old snapshots".to_string(),
                seconds: 4.0,
            }],
            ..StepRecord::default()
        };
        let held = scaled_locks(&step, 3.0).into_iter().map(|lock| lock.held_seconds);
        assert_eq!(held.collect::<Vec<_>>(), [Some(18.0), Some(6.0)]);
    }
}
