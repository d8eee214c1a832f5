//! Where the cost per row of a statement changes with the size of its table: memory becomes too small, checkpoints
//! start to matter.
//!
//! Converts the server's settings and the table's sizes to fractions of the predicted size; `ladder` decides how they
//! affect the prediction.

use std::collections::BTreeMap;

use crate::catalog::facts::TableFacts;
use crate::migration::StepKind;
use crate::observation::StepRecord;
use crate::units::{Bytes, Seconds, parse_duration, parse_size};

/// Bytes that a sort needs for each byte of the resulting index: a tuple, its header and its place in the array.
const SORT_BYTES_PER_INDEX_BYTE: f64 = 2.0;
/// Complete checkpoints during a run that surely included a whole cycle.
const CHECKPOINTS_OF_A_CYCLE: usize = 2;

/// The server's settings, as `SHOW` prints them.
pub struct Settings<'a>(pub &'a BTreeMap<String, String>);

/// Sizes of a statement's work on the predicted table, in bytes.
pub struct Work {
    /// What it reads and writes, which caches may or may not hold.
    pub touched_bytes: f64,
    /// What it sorts; `None` when it does not sort, or when the memory for the sort was scaled with the table.
    pub sorted_bytes: Option<f64>,
}

/// How many checkpoint cycles a run lasts.
pub struct Cycles {
    /// Number of cycles that the run on the clone lasted, by time or by WAL.
    pub measured: f64,
    /// Length of a cycle in seconds, and in bytes of WAL.
    length: (f64, f64),
}

impl Settings<'_> {
    fn size(&self, name: &str) -> Option<f64> {
        let size = parse_size(self.0.get(name)?).ok()?;
        Some(size.0 as f64).filter(|bytes| *bytes > 0.0)
    }

    fn duration(&self, name: &str) -> Option<f64> {
        let duration = parse_duration(self.0.get(name)?).ok()?;
        Some(duration.0).filter(|seconds| *seconds > 0.0)
    }

    /// Returns how many checkpoint cycles a run lasts; `None` when the settings are not known.
    ///
    /// A checkpoint begins after `checkpoint_timeout`, or after max_wal_size / (1 + checkpoint_completion_target) of
    /// WAL.
    /// Source: PostgreSQL, `CalculateCheckpointSegments`.
    pub fn cycles(&self, seconds: f64, wal_bytes: f64) -> Option<Cycles> {
        let target: f64 = self.0.get("checkpoint_completion_target")?.parse().ok()?;
        let length = (
            self.duration("checkpoint_timeout")?,
            self.size("max_wal_size")? / (1.0 + target),
        );
        Some(Cycles {
            measured: (seconds / length.0).max(wal_bytes / length.1),
            length,
        })
    }

    /// Returns the sizes at which the cost per row may change, as fractions of the work.
    pub fn thresholds(&self, work: &Work) -> Vec<f64> {
        let caches = ["shared_buffers", "effective_cache_size"].into_iter();
        let caches = caches.filter_map(|name| Some(self.size(name)? / work.touched_bytes.max(1.0)));
        let memory = self.size("maintenance_work_mem").zip(work.sorted_bytes);
        caches
            .chain(memory.map(|(memory, sorted)| memory / sorted.max(1.0)))
            .collect()
    }
}

impl Work {
    /// Returns the work of `step`; `table` is its table on the clone, and the predicted table is `ratio` times as
    /// large.
    pub fn new(step: &StepRecord, kind: StepKind, table: &TableFacts, ratio: f64) -> Work {
        let heap = table.heap_bytes as f64;
        let index = match &step.disk {
            Some(disk) if disk.after_bytes > disk.before_bytes => (disk.after_bytes - disk.before_bytes) as f64,
            // A key of 8 bytes with its headers, in pages that are 90 % full.
            _ => 22.0 * table.estimated_rows,
        };
        let touched = match kind {
            StepKind::TableRewrite => 2.0 * (heap + (table.toast_bytes + table.index_bytes) as f64),
            StepKind::IndexBuild => heap + index,
            _ => heap,
        };
        let sorts = kind == StepKind::IndexBuild && scaled_whole_run(step).is_none();
        Work {
            touched_bytes: ratio * touched,
            sorted_bytes: sorts.then_some(ratio * SORT_BYTES_PER_INDEX_BYTE * index),
        }
    }
}

/// Returns the run on the whole clone with the memory scaled down from production's, if there is one.
pub fn scaled_whole_run(step: &StepRecord) -> Option<&crate::observation::Rung> {
    let rungs = &step.ladder.as_ref()?.rungs;
    rungs.iter().find(|rung| rung.fraction >= 1.0)
}

impl Cycles {
    /// Returns, if it is not met, the rule that a rewrite must include a checkpoint cycle on the clone if the predicted
    /// one does. `checkpoints` is the number of checkpoints completed during the rewrite.
    ///
    /// Measured: the prediction from a rewrite at a quarter of the size was 33 % too fast, because that rewrite ended
    /// before WAL and checkpoints mattered.
    pub fn unmet_rule(&self, ratio: f64, checkpoints: usize) -> Option<String> {
        let met = self.measured >= 1.0 || checkpoints >= CHECKPOINTS_OF_A_CYCLE;
        (!met && self.measured * ratio >= 1.0).then(|| {
            format!(
                "the rewrite was over on the clone before a whole checkpoint cycle ({} or {} of WAL), and production's \
                 is not: what checkpoints cost it was not seen",
                Seconds(self.length.0),
                Bytes(self.length.1 as u64)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        owned.collect()
    }

    #[test]
    fn thresholds_are_fractions_of_the_predicted_work() {
        let map = settings(&[
            ("shared_buffers", "1GB"),
            ("effective_cache_size", "4GB"),
            ("maintenance_work_mem", "64MB"),
        ]);
        let work = Work {
            touched_bytes: 8.0 * 1073741824.0,
            sorted_bytes: Some(128.0 * 1048576.0),
        };
        assert_eq!(Settings(&map).thresholds(&work), [0.125, 0.5, 0.5]);
        assert!(Settings(&BTreeMap::new()).thresholds(&work).is_empty());
    }

    fn check(seconds: f64, wal_megabytes: f64, ratio: f64, checkpoints: usize, refused: bool) {
        let map = settings(&[
            ("checkpoint_timeout", "5min"),
            ("max_wal_size", "1GB"),
            ("checkpoint_completion_target", "0.9"),
        ]);
        let cycles = Settings(&map)
            .cycles(seconds, wal_megabytes * 1048576.0)
            .expect("all is known");
        let rule = cycles.unmet_rule(ratio, checkpoints);
        assert_eq!(rule.is_some(), refused, "{seconds} s, {wal_megabytes} MB: {rule:?}");
        if let Some(rule) = rule {
            assert!(rule.contains("(5m or 539 MB of WAL)"), "{rule}");
        }
    }

    #[test]
    fn a_rewrite_must_meet_a_cycle_on_the_clone_if_it_will_in_production() {
        check(3.0, 200.0, 4.0, 0, true);
        check(100.0, 1.0, 4.0, 0, true);
        check(3.0, 100.0, 4.0, 0, false);
        check(3.0, 600.0, 4.0, 0, false);
        check(301.0, 1.0, 4.0, 0, false);
        check(3.0, 200.0, 4.0, 2, false);
        check(3.0, 200.0, 4.0, 1, true);
    }
}
