//! Computes numbers of rows and their uncertainty from the moments of a block sample.
//!
//! Pure arithmetic. `TABLESAMPLE SYSTEM` takes each block independently with the same probability p. This is Bernoulli
//! sampling of clusters: the blocks are the clusters, their rows the elements.

use serde::Deserialize;

use super::facts::{RowsSource, TableFacts};

/// Quantile of the normal distribution for a two-sided level of 95 %.
const NORMAL_95: f64 = 1.959_963_984_540_054;

/// The result of a sample or a count of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// Rows of the table.
    pub rows: f64,
    /// Relative standard deviation of `rows`; 0 when counted.
    pub rows_relative_sd: f64,
    /// [`RowsSource::Sample`], or [`RowsSource::Exact`] when every row was counted.
    pub source: RowsSource,
    /// Number of blocks read that contained rows.
    pub blocks: u64,
    /// The rows that meet the predicate, when there is one.
    pub matching: Option<Matching>,
}

/// The rows that meet a predicate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matching {
    /// Number of them.
    pub rows: f64,
    /// Relative standard deviation of `rows`; 0 when counted, 1 when the sample held none.
    pub rows_relative_sd: f64,
    /// Their share of all rows, 0 to 1.
    pub share: f64,
    /// Lower end of the share's 95 % confidence interval.
    pub share_lower: f64,
    /// Upper end of the share's 95 % confidence interval.
    pub share_upper: f64,
}

impl Sampled {
    /// Replaces the catalog's estimate of the number of rows in a table's facts.
    pub fn refine(&self, facts: &mut TableFacts) {
        facts.estimated_rows = self.rows;
        facts.rows_relative_sd = self.rows_relative_sd;
        facts.rows_source = self.source;
    }
}

/// Sums over the sampled blocks b with rows y_b, of which x_b match.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Moments {
    /// Blocks that held rows.
    pub blocks: u64,
    /// Σ y
    pub rows: f64,
    /// Σ y²
    pub rows_squared: f64,
    /// Σ x
    pub matching: f64,
    /// Σ x²
    pub matching_squared: f64,
    /// Σ x·y
    pub matching_rows: f64,
}

/// Computes the result for the whole table from a sample in which each block was taken with `probability`.
pub(crate) fn from_moments(moments: &Moments, probability: f64, with_predicate: bool) -> Sampled {
    let (rows, rows_relative_sd) = total(moments.rows, moments.rows_squared, probability);
    Sampled {
        rows,
        rows_relative_sd,
        source: RowsSource::Sample,
        blocks: moments.blocks,
        matching: with_predicate.then(|| matching(moments, probability)),
    }
}

/// Returns the result of a full count.
pub(crate) fn from_count(rows: u64, matching: Option<u64>, blocks: u64) -> Sampled {
    Sampled {
        rows: rows as f64,
        rows_relative_sd: 0.0,
        source: RowsSource::Exact,
        blocks,
        matching: matching.map(|matching| {
            let share = if rows == 0 { 0.0 } else { matching as f64 / rows as f64 };
            Matching {
                rows: matching as f64,
                rows_relative_sd: 0.0,
                share,
                share_lower: share,
                share_upper: share,
            }
        }),
    }
}

/// Returns the Horvitz–Thompson estimate of a total and its relative standard deviation.
///
/// t̂ = Σ y_b / p and V̂(t̂) = (1 − p)/p² · Σ y_b² under Bernoulli sampling (Horvitz and Thompson, JASA 47, 1952;
/// Särndal, Swensson and Wretman, *Model Assisted Survey Sampling*, 1992, eq. 3.2.5). Sampled blocks without rows add
/// nothing to either sum, so it does not matter that the server does not report them.
fn total(sum: f64, sum_of_squares: f64, probability: f64) -> (f64, f64) {
    if sum <= 0.0 {
        return (0.0, 1.0);
    }
    (
        (sum / probability).round(),
        ((1.0 - probability) * sum_of_squares).sqrt() / sum,
    )
}

/// Returns the share as a ratio estimator R = Σx / Σy over clusters, with V̂(R) = (1 − p) · n/(n − 1) · Σ (x_b −
/// R·y_b)² / (Σ y_b)² (Cochran, *Sampling Techniques*, 3rd ed. 1977, eq. 6.13 and § 9A).
fn matching(moments: &Moments, probability: f64) -> Matching {
    let (rows, rows_relative_sd) = total(moments.matching, moments.matching_squared, probability);
    if moments.rows <= 0.0 {
        return Matching {
            rows,
            rows_relative_sd,
            share: 0.0,
            share_lower: 0.0,
            share_upper: 1.0,
        };
    }
    let share = moments.matching / moments.rows;
    let residuals =
        moments.matching_squared - 2.0 * share * moments.matching_rows + share * share * moments.rows_squared;
    let blocks = moments.blocks as f64;
    let correction = (1.0 - probability) * blocks / (blocks - 1.0).max(1.0);
    let variance = correction * residuals.max(0.0) / moments.rows.powi(2);
    let (share_lower, share_upper) = share_interval(share, variance, moments);
    Matching {
        rows,
        rows_relative_sd,
        share,
        share_lower,
        share_upper,
    }
}

/// Returns the Wilson interval with the effective sample size n* = R(1 − R)/V̂(R), at most the number of rows seen
/// (Korn and Graubard, *Survey Methodology* 24, 1998). If all rows match or none, V̂ is 0, and every block counts as
/// one observation.
fn share_interval(share: f64, variance: f64, moments: &Moments) -> (f64, f64) {
    let spread = share * (1.0 - share);
    let effective = if spread > 0.0 && variance > 0.0 {
        (spread / variance).min(moments.rows)
    } else if spread > 0.0 {
        moments.rows
    } else {
        moments.blocks as f64
    };
    let square = NORMAL_95 * NORMAL_95;
    let center = (share + square / (2.0 * effective)) / (1.0 + square / effective);
    let half =
        NORMAL_95 * (spread / effective + square / (4.0 * effective * effective)).sqrt() / (1.0 + square / effective);
    ((center - half).clamp(0.0, share), (center + half).clamp(share, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn moments(blocks: &[(f64, f64)]) -> Moments {
        let mut sums = Moments {
            blocks: blocks.len() as u64,
            ..Moments::default()
        };
        for (rows, matching) in blocks {
            sums.rows += rows;
            sums.rows_squared += rows * rows;
            sums.matching += matching;
            sums.matching_squared += matching * matching;
            sums.matching_rows += rows * matching;
        }
        sums
    }

    fn check(actual: f64, expected: f64) {
        assert!(
            (actual - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            "{actual} is not {expected}"
        );
    }

    #[test]
    fn totals_and_ratios_agree_with_python() {
        // y = [50,60,55,40,58]; x = [5,20,0,3,12]; p = 0.1; n = 5; R = sum(x)/sum(y)
        // sqrt((1-p)*sum(v*v for v in y))/sum(y); sqrt((1-p)*sum(v*v for v in x))/sum(x)
        let sampled = from_moments(
            &moments(&[(50.0, 5.0), (60.0, 20.0), (55.0, 0.0), (40.0, 3.0), (58.0, 12.0)]),
            0.1,
            true,
        );
        check(sampled.rows, 2630.0);
        check(sampled.rows_relative_sd, 0.4281595061187048);
        let matching = sampled.matching.unwrap();
        check(matching.rows, 400.0);
        check(matching.rows_relative_sd, 0.5701973342624463);
        check(matching.share, 40.0 / 263.0);
        // v = (1-p)*n/(n-1)*sum((a-R*b)**2 for a,b in zip(x,y))/sum(y)**2; m = R*(1-R)/v; z =
        // NormalDist().inv_cdf(.975) c = (R+z*z/2/m)/(1+z*z/m); h = z*sqrt(R*(1-R)/m+z*z/4/m**2)/(1+z*z/m); c-h; c+h
        check(matching.share_lower, 0.06988031805021054);
        check(matching.share_upper, 0.29984094011823664);
    }

    #[test]
    fn none_and_all_still_have_an_interval() {
        let none = from_moments(&moments(&[(50.0, 0.0); 100]), 0.1, true).matching.unwrap();
        assert_eq!((none.rows, none.share, none.share_lower), (0.0, 0.0, 0.0));
        // z²/(n + z²) with the 100 blocks as n
        check(none.share_upper, 3.841458820694124 / 103.84145882069413);
        let all = from_moments(&moments(&[(50.0, 50.0); 100]), 0.1, true)
            .matching
            .unwrap();
        check(all.share_lower, 100.0 / 103.84145882069413);
        assert_eq!((all.share, all.share_upper), (1.0, 1.0));
        let nothing = from_moments(&Moments::default(), 0.1, true);
        assert_eq!((nothing.rows, nothing.rows_relative_sd), (0.0, 1.0));
        assert_eq!(nothing.matching.unwrap().share_upper, 1.0);
    }

    #[test]
    fn a_count_is_exact() {
        let counted = from_count(200, Some(50), 4);
        assert_eq!(
            (counted.rows, counted.rows_relative_sd, counted.source),
            (200.0, 0.0, RowsSource::Exact)
        );
        let matching = counted.matching.unwrap();
        assert_eq!(
            (matching.share, matching.share_lower, matching.share_upper),
            (0.25, 0.25, 0.25)
        );
        assert_eq!(from_count(0, Some(0), 0).matching.unwrap().share, 0.0);
    }

    /// In repeated samples of a table with clustered matches, 95 % intervals must contain the true value about 95 % of
    /// the time.
    #[test]
    fn intervals_cover_the_truth() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let table: Vec<(f64, f64)> = (0..20_000)
            .map(|block| {
                let rows = if block % 10 == 0 {
                    0.0
                } else {
                    (20 + random.random_range(0..60)) as f64
                };
                let matching = if block % 1000 < 120 {
                    rows
                } else {
                    (rows * random.random_range(0.0..0.1)).floor()
                };
                (rows, matching)
            })
            .collect();
        let truth = moments(&table);
        let (mut share_hits, mut rows_hits, rounds) = (0, 0, 400);
        for _ in 0..rounds {
            let sample: Vec<_> = table
                .iter()
                .filter(|_| random.random_bool(0.05))
                .copied()
                .filter(|b| b.0 > 0.0)
                .collect();
            let sampled = from_moments(&moments(&sample), 0.05, true);
            let matching = sampled.matching.unwrap();
            let share = truth.matching / truth.rows;
            share_hits += usize::from(matching.share_lower <= share && share <= matching.share_upper);
            let error = (sampled.rows - truth.rows).abs() / sampled.rows;
            rows_hits += usize::from(error <= NORMAL_95 * sampled.rows_relative_sd);
        }
        for hits in [share_hits, rows_hits] {
            let coverage = hits as f64 / rounds as f64;
            assert!((0.92..=0.98).contains(&coverage), "covers {coverage}");
        }
    }
}
