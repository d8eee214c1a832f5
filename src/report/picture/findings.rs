//! What the rows/s of many batches show, in words and as a table of tenths.
//!
//! A point is a position on the horizontal axis and a throughput in rows/s.

use crate::report::bins::stretches;
use crate::report::data_table::DataTable;
use crate::report::words::{percent, rate_number};
use crate::stats::quantile::quantile;
use crate::units::{Count, RowsPerSecond, counted};

/// Smaller changes are treated as noise.
const SAME: f64 = 0.03;

/// Returns the range of the middle half of the batches.
pub fn middle_half(points: &[(f64, f64)]) -> String {
    let mut rates: Vec<f64> = points.iter().map(|point| point.1).collect();
    rates.sort_unstable_by(f64::total_cmp);
    let batches = counted(rates.len(), "batch", "batches");
    let (lower, upper) = (quantile(&rates, 0.25), quantile(&rates, 0.75));
    format!(
        "half of {batches} ran at {} to {}",
        rate_number(lower),
        RowsPerSecond(upper)
    )
}

/// Returns a sentence, after a space, that compares the last third of `0..=end` with the first; empty if either has no
/// batch.
pub fn trend(points: &[(f64, f64)], end: f64) -> String {
    let thirds = medians(points, end, 3);
    let (Some(first), Some(last)) = (thirds[0], thirds[2]) else {
        return String::new();
    };
    let change = last / first - 1.0;
    match change {
        change if !change.is_finite() => String::new(),
        change if change.abs() < SAME => " The last third was as fast as the first.".to_string(),
        change if change > 0.0 => format!(
            " The last third was {} faster than the first (medians).",
            percent(change)
        ),
        change => format!(
            " The last third was {} slower than the first (medians).",
            percent(-change)
        ),
    }
}

/// Returns a sentence, after a space, that names the slowest and the fastest tenth of the walk.
pub fn extremes(points: &[(f64, f64)]) -> String {
    let tenths = medians(points, 1.0, 10);
    let known = tenths
        .iter()
        .enumerate()
        .filter_map(|(index, median)| median.map(|median| (index, median)));
    let slowest = known.clone().min_by(|one, other| one.1.total_cmp(&other.1));
    let fastest = known.max_by(|one, other| one.1.total_cmp(&other.1));
    match (slowest, fastest) {
        (Some(slow), Some(fast)) if fast.1 < (1.0 + SAME) * slow.1 => {
            " All tenths of it were equally fast.".to_string()
        }
        (Some(slow), Some(fast)) if slow.0 != fast.0 => format!(
            " Slowest between {} and {} % of the walk (median {}), fastest between {} and {} % (median {}).",
            slow.0 * 10,
            slow.0 * 10 + 10,
            RowsPerSecond(slow.1),
            fast.0 * 10,
            fast.0 * 10 + 10,
            RowsPerSecond(fast.1)
        ),
        _ => String::new(),
    }
}

/// Returns the table of those tenths of `0..=end` that have batches; `place` is the header of its first column.
pub fn tenths(points: &[(f64, f64)], end: f64, place: &str, label: &dyn Fn(&f64) -> String) -> DataTable {
    let width = end / 10.0;
    let stretches = stretches(points, end, 10).into_iter().enumerate();
    let rows = stretches
        .filter(|(_, rates)| !rates.is_empty())
        .map(|(index, mut rates)| {
            rates.sort_unstable_by(f64::total_cmp);
            let from = index as f64 * width;
            let mut row = vec![
                format!("{} – {}", label(&from), label(&(from + width))),
                Count(rates.len() as f64).to_string(),
            ];
            row.extend([0.5, 0.0, 1.0].map(|q| rate_number(quantile(&rates, q))));
            row
        });
    DataTable {
        caption: "Rows per second of the batches, warm-up left out".to_string(),
        header: [place, "Batches", "Median", "Slowest", "Fastest"]
            .map(str::to_string)
            .to_vec(),
        rows: rows.collect(),
        numeric: true,
    }
}

fn medians(points: &[(f64, f64)], end: f64, count: usize) -> Vec<Option<f64>> {
    let median = |mut rates: Vec<f64>| {
        rates.sort_unstable_by(f64::total_cmp);
        (!rates.is_empty()).then(|| quantile(&rates, 0.5))
    };
    stretches(points, end, count).into_iter().map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(rate: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..100)
            .map(|index| f64::from(index) / 100.0)
            .map(|x| (x, rate(x)))
            .collect()
    }

    #[test]
    fn findings_say_what_happened() {
        let falling = points(|x| if x < 0.5 { 1000.0 } else { 500.0 });
        assert_eq!(middle_half(&falling), "half of 100 batches ran at 500 to 1,000 rows/s");
        assert_eq!(
            trend(&falling, 1.0),
            " The last third was 50 % slower than the first (medians)."
        );
        assert_eq!(
            trend(&points(|_| 1000.0), 1.0),
            " The last third was as fast as the first."
        );
        assert_eq!(extremes(&points(|_| 1000.0)), " All tenths of it were equally fast.");
        let dip = points(|x| if (0.2..0.3).contains(&x) { 200.0 } else { 1000.0 + x });
        assert_eq!(
            extremes(&dip),
            " Slowest between 20 and 30 % of the walk (median 200 rows/s), \
             fastest between 90 and 100 % (median 1,000 rows/s)."
        );
        assert_eq!(trend(&[], 1.0) + &extremes(&[]), "");
    }
}
