//! Time series for services that record durations: github-action-benchmark and Bencher.

use serde_json::{Map, Value, json};

use super::common::json_text;
use super::name::{series, slug};
use super::{Prediction, StatementVerdict, Verdict};
use crate::report::words;

/// Nanoseconds per second, the unit of Bencher's built-in measure of latency.
const NANOSECONDS: f64 = 1e9;

/// Returns the durations for github-action-benchmark, `tool: customSmallerIsBetter`, in seconds.
pub fn benchmark_json(verdicts: &[Verdict]) -> String {
    let entries: Vec<Value> = durations(verdicts)
        .map(|(verdict, statement, duration)| {
            let half_width = (duration.upper_seconds - duration.lower_seconds) / 2.0;
            json!({
                "name": series(verdict, statement),
                "unit": "s",
                "value": rounded(duration.point_seconds),
                // The action parses everything after the sign as a number, so nothing may follow it.
                "range": format!("± {:.3}", half_width),
                "extra": format!(
                    "{} interval {:.3} s to {:.3} s\nbasis {}",
                    words::percent(duration.level),
                    duration.lower_seconds,
                    duration.upper_seconds,
                    words::basis_name(duration.basis)
                ),
            })
        })
        .collect();
    json_text(&entries)
}

/// Returns the durations and hold times in the Bencher Metric Format, in nanoseconds, and the WAL in bytes.
pub fn bencher(verdicts: &[Verdict]) -> String {
    let mut benchmarks = Map::new();
    for verdict in verdicts {
        let whole = std::iter::once((None, verdict.total.as_ref()));
        let statements = verdict
            .statements
            .iter()
            .map(|statement| (Some(statement), statement.duration.as_ref()));
        for (statement, duration) in whole.chain(statements) {
            let mut measures = Map::new();
            if let Some(duration) = duration {
                measures.insert("latency".to_string(), nanoseconds(duration));
            }
            if let Some(held) = statement.and_then(StatementVerdict::longest_hold) {
                measures.insert("lock-hold".to_string(), nanoseconds(&held));
            }
            if let Some(bytes) = statement.and_then(|statement| statement.wal_bytes) {
                measures.insert("wal-bytes".to_string(), json!({ "value": bytes.round() }));
            }
            if !measures.is_empty() {
                benchmarks.insert(slug(verdict, statement), Value::Object(measures));
            }
        }
    }
    json_text(&Value::Object(benchmarks))
}

fn nanoseconds(duration: &Prediction) -> Value {
    let [value, lower, upper] = [duration.point_seconds, duration.lower_seconds, duration.upper_seconds]
        .map(|seconds| (seconds * NANOSECONDS).round());
    json!({ "value": value, "lower_value": lower, "upper_value": upper })
}

/// Returns everything with a duration: each migration as a whole, then its statements.
fn durations(verdicts: &[Verdict]) -> impl Iterator<Item = (&Verdict, Option<&StatementVerdict>, &Prediction)> {
    verdicts.iter().flat_map(|verdict| {
        let whole = verdict.total.iter().map(move |total| (verdict, None, total));
        let statements = verdict.statements.iter().filter_map(move |statement| {
            let duration = statement.duration.as_ref()?;
            Some((verdict, Some(statement), duration))
        });
        whole.chain(statements)
    })
}

/// Rounds to microseconds.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
