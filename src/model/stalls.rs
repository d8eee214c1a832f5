//! Stalls: single batches that take far longer than those around them, by a lock, a failover, a frozen disk.
//!
//! The model of the costs is one of logarithms, whose mean a stall hardly moves. What a stall exceeds the usual by is
//! therefore taken out before, and added to the prediction in proportion.

use super::stretches::{Stretch, WorkUnit};
use crate::observation::Observation;

/// A batch is a stall as far as it costs more than this many medians of the batches around it: checkpoints and page
/// splits stay well below.
const USUAL_MEDIANS: f64 = 8.0;
/// Batches whose median says what is usual at a place.
const AROUND: usize = 25;

/// The stalls of the settled batches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stalls {
    /// Seconds above the usual, batch by batch; empty where there was no stall.
    excess: Vec<f64>,
    /// Settled batches, their seconds, and the sum and the squares of what is above the usual.
    batches: f64,
    seconds: f64,
    sum: f64,
    squares: f64,
}

impl Stalls {
    /// Finds the stalls of `stretches`; costs are compared in `unit`.
    pub fn find(observations: &[Observation], stretches: &[Stretch], unit: WorkUnit) -> Stalls {
        let mut stalls = Stalls::default();
        for stretch in stretches {
            let settled: Vec<usize> = (stretch.start..stretch.end)
                .filter(|index| !observations[*index].warm_up)
                .collect();
            for around in settled.chunks(AROUND) {
                stalls.add(observations, around, unit);
            }
        }
        stalls
    }

    fn add(&mut self, observations: &[Observation], around: &[usize], unit: WorkUnit) {
        let work = |index: usize| unit.work(1.0, observations[index].rows as f64);
        let costs = around.iter().filter(|index| work(**index) > 0.0);
        let mut costs: Vec<f64> = costs
            .map(|index| observations[*index].working_seconds() / work(*index))
            .collect();
        let middle = costs.len() / 2;
        let median = if costs.is_empty() {
            f64::INFINITY
        } else {
            *costs.select_nth_unstable_by(middle, f64::total_cmp).1
        };
        for index in around {
            let seconds = observations[*index].working_seconds();
            let usual = USUAL_MEDIANS * median * work(*index);
            self.batches += 1.0;
            self.seconds += seconds;
            if usual > 0.0 && seconds > usual {
                if self.excess.is_empty() {
                    self.excess = vec![0.0; observations.len()];
                }
                self.excess[*index] = seconds - usual;
                self.sum += seconds - usual;
                self.squares += (seconds - usual).powi(2);
            }
        }
    }

    /// Returns the seconds by which the batch at `index` is above the usual.
    pub fn excess(&self, index: usize) -> f64 {
        self.excess.get(index).copied().unwrap_or(0.0)
    }

    /// Returns by how much the stalls lengthen the whole: 1/(1 − Σx/Σs).
    pub fn factor(&self) -> f64 {
        1.0 / (1.0 - self.sum / self.seconds.max(f64::MIN_POSITIVE)).max(1e-9)
    }

    /// Returns the variance of the logarithm that the number and length of the stalls give to a further run of
    /// `total_batches`: ln(1 + Σx² (N/n)(1 + N/n)/(N s̄)²).
    ///
    /// Stalls come as a compound Poisson process: Σx² (N/n)² is the variance of what was learned about them, Σx² (N/n)
    /// that of the further run.
    pub fn variance(&self, total_batches: f64) -> f64 {
        let ratio = total_batches / self.batches.max(1.0);
        self.relative_variance(ratio * (1.0 + ratio), ratio)
    }

    /// Returns the variance of the logarithm of the mean.
    pub fn mean_variance(&self) -> f64 {
        self.relative_variance(1.0, 1.0)
    }

    fn relative_variance(&self, squares: f64, ratio: f64) -> f64 {
        let total = (ratio * self.seconds).max(f64::MIN_POSITIVE);
        (self.squares / total / total * squares).ln_1p()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::stretches::stretches;

    fn stalls(seconds: impl Fn(usize) -> f64) -> Stalls {
        let observations: Vec<Observation> = (0..300)
            .map(|batch| Observation {
                rows: 100,
                seconds: seconds(batch),
                ..Observation::default()
            })
            .collect();
        Stalls::find(&observations, &stretches(&observations), WorkUnit::ROW)
    }

    // python: s = [.1]*300; s[50] = s[150] = s[250] = 30; x = [max(v - .8, 0) for v in s]; N = 2000; r = N/300
    // 1/(1 - sum(x)/sum(s)); math.log1p(sum(v*v for v in x)*r*(1 + r)/(N*sum(s)/300)**2)
    #[test]
    fn what_is_above_the_usual_is_set_apart() {
        let stalls = stalls(|batch| if batch % 100 == 50 { 30.0 } else { 0.1 });
        assert_eq!((stalls.excess(49), stalls.excess(50)), (0.0, 29.2));
        assert!((stalls.factor() - 3.7289719626).abs() < 1e-9, "{}", stalls.factor());
        assert!(
            (stalls.variance(2000.0) - 0.186731458888).abs() < 1e-9,
            "{}",
            stalls.variance(2000.0)
        );
    }

    #[test]
    fn a_place_that_costs_more_is_no_stall() {
        let stalls = stalls(|batch| if batch >= 150 { 2.0 } else { 0.1 });
        assert_eq!((stalls.factor(), stalls.variance(2000.0)), (1.0, 0.0));
    }
}
