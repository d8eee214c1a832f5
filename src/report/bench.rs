//! What `migtime bench` prints when it ends: one line per scenario.

use crate::report::terminal::Page;
use crate::report::text;
use crate::units::{Count, Seconds};

/// The runs of one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchRow {
    /// Its name.
    pub scenario: String,
    /// Rows of its table.
    pub rows: u64,
    /// Seconds of each run; at least one.
    pub seconds: Vec<f64>,
}

/// Returns the runs as a table for a terminal of `width` columns.
pub fn bench_terminal(rows: &[BenchRow], width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let header = ["Scenario", "Rows", "Runs", "Fastest", "Mean", "Slowest"];
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    format!("{}\n", page.table(&header, 1, &rows))
}

fn cells(row: &BenchRow) -> Vec<String> {
    let fastest = row.seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let slowest = row.seconds.iter().copied().fold(0.0, f64::max);
    let mean = row.seconds.iter().sum::<f64>() / row.seconds.len() as f64;
    vec![
        text::one_line(&row.scenario),
        Count(row.rows as f64).to_string(),
        row.seconds.len().to_string(),
        Seconds(fastest).to_string(),
        Seconds(mean).to_string(),
        Seconds(slowest).to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_is_a_line_with_units() {
        let row = BenchRow {
            scenario: "purge".to_string(),
            rows: 100_000,
            seconds: vec![1.0, 3.0, 2.0],
        };
        let text = bench_terminal(&[row], 100, false);
        for word in ["purge", "100,000", "3", "1.0s", "2.0s", "3.0s"] {
            assert!(text.contains(word), "{word} is not in {text}");
        }
    }
}
