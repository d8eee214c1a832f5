//! WAL and disk of the planned migration: what each step writes, leaves behind and needs while it runs.
//!
//! Sizes are scaled like durations but with narrower intervals, because the amount written hardly depends on the day.
//! What was not measured is not guessed: such steps are listed as not counted.

use super::estimate::{DiskEstimate, Estimate, SizeInterval, StorageTotal};
use super::forecast::{SAME_SIZE, rows_relative_sd};
use super::priors::scaling_sd;

use super::statement;
use super::step_size::StepSize;
use crate::catalog::facts::TableFacts;
use crate::migration::StepKind;
use crate::observation::{Rehearsal, StepRecord};
use crate::stats::distribution::two_sided_factor;
use crate::units::Bytes;

/// Standard deviation of the logarithm of a statement's WAL between runs, whose checkpoints and therefore full-page
/// images differ. Measured: the WAL of an index build on a quarter of the table, scaled, differed by 0.1 % from that on
/// the whole.
const RUN_SD: f64 = 0.05;
/// The same for a whole walk in batches, whose WAL is mostly full-page images.
const WALK_SD: f64 = 0.10;
/// Mean and standard deviation of the logarithm of how much more WAL the later batches of a walk write than the
/// replayed ones. Two replays of 15 and 25 % wrote 16 and 21 % less per batch than the whole walk of the same table
/// (`tests/data/backfill-series`).
const REPLAY: (f64, f64) = (0.10, 0.20);
/// Standard deviation of the logarithm of the disk space of an index build on a larger table, where its sort may write
/// files that it did not need on the clone: 155 MB were needed where four times the clone's was 119 MB.
const SORT_SD: f64 = 0.15;
/// Standard deviation of the logarithm added per growth by a factor of e.
const SD_PER_E_FOLD: f64 = 0.03;
/// Standard deviation of the logarithm of the disk space predicted from a partial replay: how much of the space of old
/// row versions is reused depends on vacuum.
const BLOAT_SD: f64 = 0.5;

/// A size in bytes and the standard deviation of its logarithm.
#[derive(Clone, Copy)]
struct Amount {
    bytes: f64,
    deviation: f64,
}

impl Amount {
    fn interval(self, level: f64) -> SizeInterval {
        let factor = (two_sided_factor(level, f64::INFINITY) * self.deviation).exp();
        let (one, other) = (self.bytes / factor, self.bytes * factor);
        SizeInterval {
            point_bytes: self.bytes,
            lower_bytes: one.min(other),
            upper_bytes: one.max(other),
        }
    }
}

/// Adds WAL and disk to the steps of `estimate`, and their sum; `sizes` are the same as for the durations. `free` is
/// the free disk that the user stated; without it, the free disk seen on the server is used, and only warns.
pub fn tell(estimate: &mut Estimate, rehearsal: &Rehearsal, sizes: &[StepSize], free: Option<Bytes>) {
    let level = estimate.level;
    for (index, step) in estimate.steps.iter_mut().enumerate() {
        let Some(record) = rehearsal.steps.get(index) else {
            continue;
        };
        let size = sizes.get(index).copied().unwrap_or_default();
        let target = size.target;
        let table = rehearsal
            .tables
            .iter()
            .find(|table| Some(&table.name) == record.table.as_ref());
        let ratio = ratio(record, size, table);
        let rows_sd = target.map_or(0.0, |target| rows_relative_sd(record, Some(target)));
        let scaling = scaling_sd(ratio, SD_PER_E_FOLD).hypot(rows_sd);
        if let Some(bytes) = step.wal_bytes {
            let wal = wal(record, bytes, scaling);
            step.wal_bytes = Some(wal.bytes);
            step.wal_interval = Some(wal.interval(level));
        }
        step.disk = disk(record, ratio, scaling, level);
    }
    estimate.storage = total(estimate, free);
    let seen = rehearsal.free_disk_bytes.filter(|_| free.is_none());
    if let Some((total, seen)) = estimate.storage.as_mut().zip(seen) {
        total.compare_with(Bytes(seen));
        total.free_is_seen = true;
        if total.fits == Some(false) {
            estimate.warnings.push(format!(
                "The disk of the server has only {} free, which may not do for tables, indexes, temporary files and \
                 WAL.",
                Bytes(seen)
            ));
        }
    }
}

/// Returns the size of the predicted table as a multiple of the clone's.
fn ratio(step: &StepRecord, size: StepSize, table: Option<&TableFacts>) -> f64 {
    let rows = step.total_rows.or(table.map(|table| table.estimated_rows));
    size.multiple(step, rows, statement::grows(step, size)).written
}

/// Returns the rows of the whole walk as a multiple of the replayed ones.
fn unreplayed(step: &StepRecord) -> f64 {
    let first_run = step.observations.iter().filter(|one| one.run == 0);
    let measured: u64 = first_run.map(|one| one.rows).sum();
    match step.total_rows {
        Some(total) if measured > 0 => total / measured as f64,
        _ => 1.0,
    }
}

fn wal(step: &StepRecord, bytes: f64, scaling: f64) -> Amount {
    let is_replay = step.batching.is_some() && !step.complete;
    let (mean, deviation) = match (&step.batching, is_replay) {
        (Some(_), true) => (REPLAY.0, REPLAY.1.hypot(places_sd(step))),
        (Some(_), false) => (0.0, WALK_SD),
        (None, _) => (0.0, RUN_SD),
    };
    Amount {
        bytes: bytes * f64::exp(mean),
        deviation: deviation.hypot(scaling),
    }
}

/// Returns the standard error of the logarithm of the mean WAL per batch, from the differences between the replayed
/// places.
fn places_sd(step: &StepRecord) -> f64 {
    let places = step
        .observations
        .chunk_by(|one, other| (one.run, one.segment) == (other.run, other.segment));
    let means: Vec<f64> = places
        .filter_map(|place| {
            let bytes: u64 = place.iter().filter_map(|one| one.wal_bytes).sum();
            (bytes > 0).then(|| (bytes as f64 / place.len() as f64).ln())
        })
        .collect();
    let count = means.len() as f64;
    if count < 2.0 {
        return REPLAY.1;
    }
    let mean = means.iter().sum::<f64>() / count;
    let squares: f64 = means.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (count - 1.0) / count).sqrt()
}

fn disk(step: &StepRecord, ratio: f64, scaling: f64, level: f64) -> Option<DiskEstimate> {
    let disk = step.disk.as_ref()?;
    let is_replay = step.batching.is_some() && !step.complete;
    let (factor, deviation) = if is_replay {
        (unreplayed(step), BLOAT_SD)
    } else {
        (1.0, RUN_SD)
    };
    let sort = match statement::kind(step) {
        StepKind::IndexBuild if ratio > SAME_SIZE => SORT_SD,
        _ => 0.0,
    };
    let amount = |bytes: f64, sort: f64| {
        Amount {
            bytes: bytes * factor * ratio,
            deviation: deviation.hypot(scaling).hypot(sort),
        }
        .interval(level)
    };
    Some(DiskEstimate {
        growth: amount(disk.after_bytes as f64 - disk.before_bytes as f64, 0.0),
        peak: amount(disk.needed_bytes() as f64, sort),
    })
}

/// Adds up the steps, in order; `None` when nothing was measured. The ends of the intervals are added as if all steps
/// erred in the same direction, since all depend on the same tables; for planning disk space this is the safe side.
pub(super) fn total(estimate: &Estimate, free: Option<Bytes>) -> Option<StorageTotal> {
    let steps = &estimate.steps;
    if free.is_none()
        && steps
            .iter()
            .all(|step| step.wal_interval.is_none() && step.disk.is_none())
    {
        return None;
    }
    let mut total = StorageTotal::default();
    for step in steps {
        if let Some(wal) = &step.wal_interval {
            total.wal = total.wal.plus(wal);
        }
        if let Some(disk) = &step.disk {
            total.peak = total.peak.at_least(&total.growth.plus(&disk.peak));
            total.growth = total.growth.plus(&disk.growth);
        }
        let is_counted = step.wal_interval.is_some() && step.disk.is_some();
        if !is_counted && step.kind != StepKind::CatalogOnly {
            total.uncounted_steps.push(step.number);
        }
    }
    if let Some(free) = free {
        total.compare_with(free);
    }
    Some(total)
}

impl StorageTotal {
    fn compare_with(&mut self, free: Bytes) {
        self.free_bytes = Some(free.0);
        self.fits = Some(self.peak.upper_bytes + self.wal.upper_bytes <= free.0 as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EstimateOptions, Target, estimate};
    use crate::observation::{DiskRecord, Observation};

    const MB: u64 = 1 << 20;

    fn observation(rows: u64, segment: u32, wal_bytes: u64) -> Observation {
        Observation {
            rows,
            segment,
            seconds: 10.0,
            wal_bytes: Some(wal_bytes),
            ..Observation::default()
        }
    }

    /// An index of 100 MB, then a rewrite that replaces 400 MB by 500 MB.
    fn rehearsal() -> Rehearsal {
        let step = |number, kind, before, after, temporary| StepRecord {
            number,
            kind,
            total_rows: Some(1e6),
            wal_bytes: Some(100 * MB),
            complete: true,
            observations: vec![observation(0, 0, 100 * MB)],
            disk: Some(DiskRecord {
                before_bytes: before * MB,
                after_bytes: after * MB,
                peak_temporary_bytes: temporary * MB,
                temporary_file_bytes: None,
            }),
            ..StepRecord::default()
        };
        Rehearsal {
            steps: vec![
                step(1, StepKind::IndexBuild, 300, 400, 50),
                step(2, StepKind::TableRewrite, 400, 500, 400),
            ],
            ..Rehearsal::default()
        }
    }

    fn check(size: &SizeInterval, megabytes: f64, relative_sd: f64) {
        let ratio = size.point_bytes / (megabytes * MB as f64);
        assert!(
            (ratio - 1.0).abs() < 1e-9,
            "{} MB, not {megabytes}",
            size.point_bytes / MB as f64
        );
        let half_width = 0.5 * (size.upper_bytes / size.lower_bytes).ln();
        // scipy.stats.norm.ppf(0.975)
        assert!((half_width - 1.959964 * relative_sd).abs() < 1e-4, "±{half_width}");
    }

    #[test]
    fn sizes_grow_with_the_table_and_add_up_in_order() {
        let target = Some(Target {
            rows: 4e6,
            rows_relative_sd: 0.0,
            batches: None,
            table_rows: None,
        });
        let options = EstimateOptions::default();
        let estimate = estimate(&rehearsal(), &[target, target], &options).expect("an estimate");
        let grown = RUN_SD.hypot(SD_PER_E_FOLD * 4f64.ln());
        check(&estimate.steps[0].wal_interval.expect("measured"), 400.0, grown);
        let disk = estimate.steps[1].disk.as_ref().expect("measured");
        check(&disk.growth, 400.0, grown);
        check(&disk.peak, 2000.0, grown);
        let total = estimate.storage.expect("measured");
        check(&total.wal, 800.0, grown);
        check(&total.growth, 800.0, grown);
        // When the rewrite runs, the disk also holds the index.
        check(&total.peak, 2400.0, grown);
        assert!(total.uncounted_steps.is_empty() && total.fits.is_none());
    }

    #[test]
    fn free_disk_that_was_seen_warns_and_gives_way_to_what_is_told() {
        for (seen, told, fits, warned) in [
            (4000, None, true, false),
            (100, None, false, true),
            (100, Some(4000), true, false),
        ] {
            let rehearsal = Rehearsal {
                free_disk_bytes: Some(seen * MB),
                ..rehearsal()
            };
            let options = EstimateOptions {
                free_disk: told.map(|told| Bytes(told * MB)),
                ..EstimateOptions::default()
            };
            let estimate = estimate(&rehearsal, &[], &options).expect("an estimate");
            let total = estimate.storage.expect("measured");
            assert_eq!((total.fits, total.free_is_seen), (Some(fits), told.is_none()), "{seen}");
            assert_eq!(total.free_bytes, Some(told.unwrap_or(seen) * MB));
            let warning = estimate.warnings.iter().any(|warning| warning.contains("has only 100"));
            assert_eq!(warning, warned, "{:?}", estimate.warnings);
        }
    }

    #[test]
    fn free_disk_must_hold_the_upper_ends_of_tables_and_wal_together() {
        let fits = |megabytes: u64| {
            let options = EstimateOptions {
                free_disk: Some(Bytes(megabytes * MB)),
                ..EstimateOptions::default()
            };
            let estimate = estimate(&rehearsal(), &[], &options).expect("an estimate");
            estimate.storage.expect("measured").fits
        };
        // 600 MB of tables and 200 MB of WAL, plus a tenth at 95 %.
        assert_eq!(fits(800), Some(false));
        assert_eq!(fits(900), Some(true));
    }

    #[test]
    fn a_replay_stands_for_the_whole_walk_and_says_how_well() {
        let log = "rows,seconds\n".to_string() + &"100,0.01\n".repeat(400);
        let mut replay = crate::model::batch_log::read(&log, "log.csv", 80_000.0).expect("a log");
        for (index, observation) in replay.steps[0].observations.iter_mut().enumerate() {
            observation.wal_bytes = Some(if index % 2 == 0 { MB } else { 2 * MB });
            observation.segment = index as u32 / 40;
            observation.position = index as f64 / 800.0;
        }
        let estimate = estimate(&replay, &[], &EstimateOptions::default()).expect("an estimate");
        check(
            &estimate.steps[0].wal_interval.expect("measured"),
            1200.0 * 0.10f64.exp(),
            0.20,
        );
        assert_eq!(estimate.storage.expect("measured").uncounted_steps, [1]);
    }
}
