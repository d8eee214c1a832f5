//! OpenMetrics text for GitLab's metrics report. Prometheus' node exporter reads the same file and ignores its last
//! line as a comment. Gauges only, no timestamps.

use std::collections::HashMap;
use std::fmt::Write;

use super::common;
use super::{Level, Prediction, Verdict};
use crate::migration::command;
use crate::report::words;

/// A metric family: its name, its help text, and its samples with labels and a value.
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

/// Returns the durations, hold times, WAL and findings of all migrations.
pub fn openmetrics(verdicts: &[Verdict]) -> String {
    let mut families = [
        family(
            "migtime_migration_predicted_seconds",
            "Predicted duration of the migration.",
        ),
        family(
            "migtime_statement_predicted_seconds",
            "Predicted duration of a statement.",
        ),
        family(
            "migtime_statement_lock_held_seconds",
            "Predicted time from taking a lock to the commit.",
        ),
        family("migtime_statement_wal_bytes", "WAL that a statement writes."),
        family("migtime_findings", "Findings by level; an error fails the job."),
    ];
    for verdict in verdicts {
        let migration = vec![("migration", verdict.name())];
        families[0].predict(&migration, verdict.total.as_ref());
        for statement in &verdict.statements {
            let mut labels = migration.clone();
            labels.push(("statement", statement.number.to_string()));
            labels.push(("command", command(&statement.sql)));
            families[1].predict(&labels, statement.duration.as_ref());
            for lock in &statement.locks {
                let mut labels = labels.clone();
                labels.push(("relation", lock.relation.clone()));
                labels.push(("mode", words::lock_name(lock.mode).to_string()));
                families[2].predict(&labels, lock.held.as_ref());
            }
            families[3]
                .samples
                .extend(statement.wal_bytes.map(|bytes| (labels, bytes)));
        }
        for (name, level) in [
            ("error", Level::Error),
            ("warning", Level::Warning),
            ("note", Level::Note),
        ] {
            let count = verdict.findings.iter().filter(|finding| finding.level == level).count();
            let mut labels = migration.clone();
            labels.push(("level", name.to_string()));
            families[4].samples.push((labels, count as f64));
        }
    }
    let text: String = families.iter().map(Family::text).collect();
    text + "# EOF\n"
}

fn family(name: &'static str, help: &'static str) -> Family {
    Family {
        name,
        help,
        samples: Vec::new(),
    }
}

impl Family {
    /// Adds samples for the point and for both ends of an interval; the label `q` is the probability.
    fn predict(&mut self, labels: &[(&'static str, String)], prediction: Option<&Prediction>) {
        let Some(prediction) = prediction else { return };
        let tail = (1.0 - prediction.level) / 2.0;
        let quantiles = [
            (tail, prediction.lower_seconds),
            (0.5, prediction.point_seconds),
            (1.0 - tail, prediction.upper_seconds),
        ];
        for (probability, seconds) in quantiles {
            let mut labels = labels.to_vec();
            // Rounded, because 0.95 would otherwise give 0.025000000000000022.
            labels.push(("q", format!("{}", (probability * 1e6).round() / 1e6)));
            self.samples.push((labels, seconds));
        }
    }

    /// Returns the family as text, empty when it has no samples. Each series is written once, with its largest value.
    fn text(&self) -> String {
        let mut lines: Vec<(String, f64)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (labels, value) in &self.samples {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let series = format!("{}{{{}}}", self.name, labels.join(","));
            match places.get(&series) {
                Some(place) => lines[*place].1 = lines[*place].1.max(*value),
                None => {
                    places.insert(series.clone(), lines.len());
                    lines.push((series, *value));
                }
            }
        }
        if lines.is_empty() {
            return String::new();
        }
        let mut text = format!("# HELP {0} {1}\n# TYPE {0} gauge\n", self.name, self.help);
        for (series, value) in lines {
            writeln!(text, "{series} {value}").expect(common::STRING);
        }
        text
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
