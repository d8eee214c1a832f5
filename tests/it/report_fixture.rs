//! Rehearsals and estimates to render: measured batches of a real backfill in an otherwise invented migration of four
//! steps.
//!
//! Shared by the tests and the benchmark of the reports. The estimate is a log-normal guess that is good enough for
//! plots; the real one belongs to the model.

use migtime::migration::{LockMode, RecognisedBy, StepKind, Walk};
use migtime::model::estimate::{
    Basis, DiskEstimate, Estimate, FitsWindow, Interval, Rate, SizeInterval, StepEstimate, StorageTotal, Total,
};
use migtime::observation::{
    BatchingRecord, EndReason, Ending, Event, EventKind, FORMAT_VERSION, LockRecord, Observation, Rehearsal, StepRecord,
};
use statrs::distribution::{ContinuousCDF, Normal};

pub use super::table_fixture::{TABLE, server, table};

/// 15 % of a backfill of 6,000,000 rows on PostgreSQL 15, in segments spread over the key space.
const SEGMENTS: &str = include_str!("data/backfill-segments.csv");

const BACKFILL: &str =
    "UPDATE orders SET customer_id = user_id\nWHERE id BETWEEN <batch_start> AND <batch_end> AND customer_id IS NULL";

const WINDOW: f64 = 1800.0;

/// Returns a rehearsal of a migration of four steps whose backfill was measured on a server.
pub fn rehearsal() -> Rehearsal {
    let (observations, checkpoints) = measured_batches();
    let backfill = backfill_step(observations, 1200.0);
    let mut rehearsal = with_steps(vec![
        statement_step(
            1,
            StepKind::CatalogOnly,
            "ALTER TABLE orders ADD COLUMN customer_id bigint",
            3,
            0.0042,
        ),
        backfill,
        statement_step(
            3,
            StepKind::IndexBuild,
            "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id)",
            8,
            9.73,
        ),
        statement_step(
            4,
            StepKind::TableScan,
            "ALTER TABLE orders ALTER COLUMN customer_id SET NOT NULL",
            10,
            0.61,
        ),
    ]);
    rehearsal.events = checkpoints;
    rehearsal.ended = Some(Ending {
        reason: EndReason::Fraction,
        message: "Stopped after 15 % of the batches, as asked for.".to_string(),
    });
    rehearsal
}

/// Returns an invented rehearsal of one backfill of `batches` batches: drifting, autocorrelated, with rare spikes.
pub fn large_rehearsal(batches: usize) -> Rehearsal {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let (mut elapsed, mut level) = (0.0, 0.0);
    let observations = (0..batches).map(|index| {
        level = 0.98 * level + 0.1 * (random() - 0.5);
        let spike = if random() < 0.001 { 8.0 } else { 1.0 };
        let seconds = 0.11 * f64::exp(level + 0.1 * random()) * spike;
        elapsed += seconds;
        Observation {
            run: 0,
            segment: (index / 100) as u32,
            rows: 5000,
            seconds,
            waited_seconds: None,
            wal_bytes: Some(30_000_000 + (random() * 1e6) as u64),
            full_page_images: Some(3000),
            position: index as f64 / batches as f64,
            elapsed,
            warm_up: index % 100 < 5,
        }
    });
    let observations: Vec<Observation> = observations.collect();
    let end = observations.last().map_or(0.0, |observation| observation.elapsed);
    let mut rehearsal = with_steps(vec![backfill_step(observations, batches as f64)]);
    rehearsal.events = (0..(end / 30.0) as u32)
        .map(|index| checkpoint(1, 30.0 * f64::from(index)))
        .collect();
    rehearsal.steps[0].number = 1;
    rehearsal
}

/// Returns a log-normal estimate of the whole, from the mean of the observations, at 95 %.
pub fn estimate(rehearsal: &Rehearsal) -> Estimate {
    let steps: Vec<StepEstimate> = rehearsal.steps.iter().map(step_estimate).collect();
    let point: f64 = steps.iter().map(|step| step.point_seconds).sum();
    let steps = steps.into_iter().map(|step| StepEstimate {
        share_of_variance: step.point_seconds.powi(2) / rehearsal_squares(rehearsal),
        ..step
    });
    Estimate {
        kind: "estimate".to_string(),
        format_version: FORMAT_VERSION,
        seed: 1,
        level: 0.95,
        basis: Basis::Rehearsal,
        provisional: false,
        too_thin: Vec::new(),
        origin: None,
        learned: None,
        total: Total {
            point_seconds: point,
            intervals: intervals(point, 0.11),
            percentiles: (1..=99)
                .map(|share| quantile(point, 0.11, f64::from(share) / 100.0))
                .collect(),
            fits_window: Some(FitsWindow {
                window_seconds: WINDOW,
                probability: within(point, 0.11, WINDOW),
            }),
        },
        steps: steps.collect(),
        assumptions: vec![
            "production has hardware and load like the rehearsal's".to_string(),
            "rows not rehearsed cost what the rehearsed ones around them cost".to_string(),
        ],
        warnings: vec![
            "step 4 reads public.orders under AccessExclusiveLock: nothing can read or write it for that long"
                .to_string(),
            "15 % of the batches lie inside the wave of index page splits that follows a fresh build; the whole may be \
             faster".to_string(),
        ],
        storage: Some(StorageTotal {
            wal: size(9e9),
            growth: size(140e6),
            peak: size(310e6),
            uncounted_steps: vec![2],
            free_bytes: Some(8_000_000_000),
            free_is_seen: false,
            fits: Some(false),
        }),
        actual_seconds: None,
        rollback: None,
    }
}

/// Returns a size with an interval of ± 10 %.
fn size(bytes: f64) -> SizeInterval {
    SizeInterval {
        point_bytes: bytes,
        lower_bytes: 0.9 * bytes,
        upper_bytes: 1.1 * bytes,
    }
}

/// Returns the intervals at 50, 80 and 95 % of a log-normal duration.
pub fn intervals(point: f64, sd: f64) -> Vec<Interval> {
    let interval = |level: f64| Interval {
        level,
        lower_seconds: quantile(point, sd, 0.5 - level / 2.0),
        upper_seconds: quantile(point, sd, 0.5 + level / 2.0),
    };
    [0.5, 0.8, 0.95].map(interval).to_vec()
}

fn quantile(point: f64, sd: f64, probability: f64) -> f64 {
    let normal = Normal::new(0.0, sd).expect("a positive standard deviation");
    point * normal.inverse_cdf(probability).exp()
}

fn within(point: f64, sd: f64, seconds: f64) -> f64 {
    Normal::new(0.0, sd)
        .expect("a positive standard deviation")
        .cdf((seconds / point).ln())
}

fn with_steps(steps: Vec<StepRecord>) -> Rehearsal {
    Rehearsal {
        started_at: "2026-11-22T06:31:08Z".to_string(),
        migration: "0042_orders_customer.sql".to_string(),
        server: server(),
        tables: vec![table()],
        steps,
        ..Rehearsal::default()
    }
}

fn measured_batches() -> (Vec<Observation>, Vec<Event>) {
    let mut observations: Vec<Observation> = Vec::new();
    let mut events = Vec::new();
    let (mut last_wal, mut last_checkpoints) = (None, None);
    let mut reader = csv::Reader::from_reader(SEGMENTS.as_bytes());
    for record in reader.records() {
        let record = record.expect("a CSV row");
        let number = |column: usize| -> f64 { record[column].parse().expect("a number") };
        let elapsed = number(5);
        let (wal, checkpoints) = (number(7) as u64, number(8) as u64);
        if last_checkpoints.is_some_and(|last| last != checkpoints) {
            events.push(checkpoint(2, elapsed));
        }
        observations.push(Observation {
            run: 0,
            segment: number(1) as u32,
            rows: number(3) as u64,
            seconds: number(4),
            waited_seconds: None,
            wal_bytes: last_wal.map(|last| wal - last),
            full_page_images: None,
            position: number(6),
            elapsed,
            warm_up: number(2) == 1.0,
        });
        (last_wal, last_checkpoints) = (Some(wal), Some(checkpoints));
    }
    (observations, events)
}

fn checkpoint(step: u32, elapsed: f64) -> Event {
    Event {
        run: 0,
        step,
        elapsed,
        event: EventKind::CheckpointStart,
    }
}

fn backfill_step(observations: Vec<Observation>, total_batches: f64) -> StepRecord {
    let longest = observations
        .iter()
        .map(|observation| observation.seconds)
        .fold(0.0, f64::max);
    StepRecord {
        number: 2,
        kind: StepKind::Backfill,
        statement: BACKFILL.to_string(),
        line: 5,
        table: Some(TABLE.to_string()),
        total_rows: Some(5000.0 * total_batches),
        total_rows_relative_sd: 0.0,
        batching: Some(BatchingRecord {
            walk: Walk::KeyRange,
            batch_size: 5000,
            total_batches,
            batch_delay_seconds: 0.0,
            key: vec!["id".to_string()],
            recognised_by: RecognisedBy::Placeholders,
            lookup_seconds: 0.02,
            lookup_batches: observations.len() as u64,
        }),
        locks: vec![LockRecord {
            relation: TABLE.to_string(),
            mode: LockMode::RowExclusive,
            held_seconds: Some(longest),
            sampled_every_seconds: None,
        }],
        wal_bytes: Some(
            observations
                .iter()
                .filter_map(|observation| observation.wal_bytes)
                .sum(),
        ),
        complete: observations.len() as f64 >= total_batches,
        observations,
        ..StepRecord::default()
    }
}

fn statement_step(number: u32, kind: StepKind, statement: &str, line: usize, seconds: f64) -> StepRecord {
    let mode = match kind {
        StepKind::IndexBuild => LockMode::ShareUpdateExclusive,
        _ => LockMode::AccessExclusive,
    };
    StepRecord {
        number,
        kind,
        statement: statement.to_string(),
        line,
        table: Some(TABLE.to_string()),
        total_rows: None,
        total_rows_relative_sd: 0.0,
        batching: None,
        locks: vec![LockRecord {
            relation: TABLE.to_string(),
            mode,
            held_seconds: Some(seconds),
            sampled_every_seconds: None,
        }],
        wal_bytes: (kind == StepKind::IndexBuild).then_some(134_000_000),
        complete: true,
        observations: vec![Observation {
            run: 0,
            segment: 0,
            rows: 0,
            seconds,
            waited_seconds: None,
            wal_bytes: None,
            full_page_images: None,
            position: 0.0,
            elapsed: seconds,
            warm_up: false,
        }],
        ..StepRecord::default()
    }
}

fn step_estimate(step: &StepRecord) -> StepEstimate {
    let point = whole_seconds(step);
    let rate = step.total_rows.map(|rows| rows / point);
    StepEstimate {
        number: step.number,
        kind: step.kind,
        statement: step.statement.clone(),
        table: step.table.clone(),
        rows: step.total_rows,
        point_seconds: point,
        intervals: intervals(point, 0.13),
        on_clone: None,
        rows_per_second: rate.map(|rate| Rate {
            point: rate,
            lower: 0.91 * rate,
            upper: 1.1 * rate,
        }),
        basis: Basis::Rehearsal,
        locks: step.locks.clone(),
        lock_hold: None,
        wal_bytes: step.wal_bytes.map(|bytes| bytes as f64 * scale(step)),
        wal_interval: step.wal_bytes.map(|bytes| size(bytes as f64 * scale(step))),
        disk: (step.kind == StepKind::IndexBuild).then(|| DiskEstimate {
            growth: size(140e6),
            peak: size(310e6),
        }),
        share_of_variance: 0.0,
    }
}

fn whole_seconds(step: &StepRecord) -> f64 {
    step.observations
        .iter()
        .map(|observation| observation.seconds)
        .sum::<f64>()
        * scale(step)
}

fn scale(step: &StepRecord) -> f64 {
    let batching = step.batching.as_ref();
    batching.map_or(1.0, |batching| batching.total_batches / step.observations.len() as f64)
}

fn rehearsal_squares(rehearsal: &Rehearsal) -> f64 {
    rehearsal.steps.iter().map(|step| whole_seconds(step).powi(2)).sum()
}
