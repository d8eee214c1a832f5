//! Checks the estimate against real backfills: replays of segments of a measured table, and its whole runs.
//!
//! PostgreSQL 15, 6,000,000 rows, primary key and two freshly built secondary indexes, 5,000 rows per batch; every
//! replay and every whole run used a fresh copy. Segments are listed in the order of execution. The crest and width of
//! the split wave in the model were chosen with this table in view, so this checks the code but does not prove its
//! coverage elsewhere.

use migtime::error::ErrorKind;
use migtime::model::estimate::{Estimate, interval_at};
use migtime::model::{EstimateOptions, batch_log, estimate};
use migtime::stats::interval::{Interval, interval_score};

const REPLAYS: [(&str, &str); 4] = [
    ("15 % a", include_str!("../data/backfill-series/segments-15pct-a1.csv")),
    ("15 % b", include_str!("../data/backfill-series/segments-15pct-1.csv")),
    ("25 % a", include_str!("../data/backfill-series/segments-25pct-a2.csv")),
    ("25 % b", include_str!("../data/backfill-series/segments-25pct-1.csv")),
];
/// Seconds of the whole runs.
const WHOLE_RUNS: [f64; 6] = [142.0, 158.0, 148.0, 147.0, 137.0, 130.0];
const ROWS: f64 = 6e6;
/// Two of the whole runs, batch by batch.
const SERIES: [(&str, &str); 2] = [
    ("whole a", include_str!("../data/backfill-series/full-a1.csv")),
    ("whole b", include_str!("../data/backfill-series/full-1.csv")),
];

#[test]
fn replays_of_a_real_table_hold_its_whole_runs() {
    let options = EstimateOptions {
        provisional: true,
        ..EstimateOptions::default()
    };
    let mean = WHOLE_RUNS.iter().sum::<f64>() / WHOLE_RUNS.len() as f64;
    let mut held = 0;
    let (mut scores, mut half_widths) = (Vec::new(), Vec::new());
    for (name, text) in REPLAYS {
        let rehearsal = batch_log::read(text, name, ROWS).expect("a batch log");
        let estimate = estimate(&rehearsal, &[], &options).expect("an estimate");
        let point = estimate.total.point_seconds;
        let interval = interval(&estimate);
        half_widths.push(0.5 * (interval.upper_bound - interval.lower_bound) / point);
        println!(
            "{name}: {point:.0} s ({:.0}–{:.0}), {:+.0} %",
            interval.lower_bound,
            interval.upper_bound,
            100.0 * (point / mean - 1.0)
        );
        for actual in WHOLE_RUNS {
            held += usize::from((interval.lower_bound..=interval.upper_bound).contains(&actual));
            scores.push(interval_score(interval, actual, 0.95) / actual);
        }
    }
    let score = scores.iter().sum::<f64>() / scores.len() as f64;
    println!("{held} of {} held, mean interval score {score:.3}", scores.len());
    assert_eq!(held, scores.len(), "all whole runs lie within the intervals");
    // Those of 15 % are provisional, for they visit seven places only.
    assert!(half_widths[..2].iter().all(|width| *width < 0.48), "{half_widths:?}");
    assert!(half_widths[2..].iter().all(|width| *width < 0.30), "{half_widths:?}");
    assert!(score < 0.75, "{score}");
}

#[test]
fn the_beginning_of_a_real_series_holds_its_end_or_is_refused() {
    for (name, text) in SERIES {
        let lines: Vec<&str> = text.lines().collect();
        let ended = lines.last().and_then(|line| line.split(',').nth(3));
        let actual: f64 = ended
            .and_then(|elapsed| elapsed.parse().ok())
            .expect("the elapsed seconds");
        for percent in [5, 10, 17, 25, 50, 75] {
            let beginning = lines[..=1200 * percent / 100].join("\n");
            let rehearsal = batch_log::read(&beginning, name, ROWS).expect("a batch log");
            match estimate(&rehearsal, &[], &EstimateOptions::default()) {
                Ok(estimate) => {
                    let interval = interval(&estimate);
                    let (low, high) = (interval.lower_bound, interval.upper_bound);
                    println!("{name}, {percent} %: {low:.0}–{high:.0} s, in the end {actual:.0} s");
                    assert!(
                        (low..=high).contains(&actual),
                        "{name}, {percent} %: {low}–{high} s, not {actual} s"
                    );
                }
                Err(error) => {
                    println!("{name}, {percent} %: {}", error.message());
                    assert_eq!(error.kind(), ErrorKind::TooLittleEvidence);
                    assert!(percent < 75, "three quarters are enough");
                }
            }
        }
    }
}

fn interval(estimate: &Estimate) -> Interval {
    let interval = interval_at(&estimate.total.intervals, 0.95);
    Interval {
        lower_bound: interval.lower_seconds,
        upper_bound: interval.upper_seconds,
    }
}
