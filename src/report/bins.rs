//! Condenses many points into few marks, so that a picture of a million batches still shows their extremes.
//!
//! Knows neither pictures nor rehearsals.

use crate::stats::quantile::quantile;

/// Points of one stretch of the horizontal axis, drawn as one mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Position on the horizontal axis: the point's own, or the middle of the stretch.
    pub x: f64,
    /// Smallest value.
    pub low: f64,
    /// Median value.
    pub median: f64,
    /// Largest value.
    pub high: f64,
    /// Number of points it represents, at least 1.
    pub points: usize,
}

/// Returns one mark per point; if there are more than `most` points, divides `0..=end` into `most` equal stretches and
/// returns one mark for each stretch that has points.
pub fn marks(points: &[(f64, f64)], end: f64, most: usize) -> Vec<Mark> {
    if points.len() <= most {
        return points.iter().map(|&(x, y)| mark(x, &mut [y])).collect();
    }
    let width = end / most as f64;
    stretches(points, end, most)
        .into_iter()
        .enumerate()
        .filter(|(_, values)| !values.is_empty())
        .map(|(index, mut values)| mark((index as f64 + 0.5) * width, &mut values))
        .collect()
}

/// Returns the values that fall into each of `count` equal stretches of `0..=end`.
pub fn stretches(points: &[(f64, f64)], end: f64, count: usize) -> Vec<Vec<f64>> {
    let mut stretches = vec![Vec::new(); count];
    for &(x, y) in points {
        let index = (x / end * count as f64).max(0.0) as usize;
        stretches[index.min(count - 1)].push(y);
    }
    stretches
}

fn mark(x: f64, values: &mut [f64]) -> Mark {
    values.sort_unstable_by(f64::total_cmp);
    Mark {
        x,
        low: values[0],
        median: quantile(values, 0.5),
        high: values[values.len() - 1],
        points: values.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_are_their_own_marks() {
        let marks = marks(&[(1.0, 5.0), (2.0, 7.0)], 2.0, 10);
        assert_eq!(marks.len(), 2);
        assert_eq!((marks[1].x, marks[1].median, marks[1].points), (2.0, 7.0, 1));
    }

    #[test]
    fn many_points_keep_their_extremes() {
        let points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), f64::from(i % 10))).collect();
        let marks = marks(&points, 999.0, 4);
        assert_eq!(marks.len(), 4);
        assert_eq!(marks.iter().map(|mark| mark.points).sum::<usize>(), 1000);
        assert!(marks.iter().all(|mark| mark.low == 0.0 && mark.high == 9.0));
    }
}
