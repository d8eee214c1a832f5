//! Short steps of one kind are predicted together: what they took in all is far better known than what each of them
//! takes.
//!
//! The error of a step of milliseconds is large and has heavy tails, as its spread is known from one run. The sum of
//! thousands of such errors, drawn one by one, has an upper end that no measured sum comes near.

use std::collections::BTreeMap;

use super::forecast::Forecast;
use super::priors::RUN_DEGREES_OF_FREEDOM;
use super::repeated::student;
use crate::migration::StepKind;
use crate::stats::log_mixture::LogMixture;

/// One or several steps whose sum is drawn at once.
pub struct Bundle {
    /// Distribution of its seconds.
    pub duration: LogMixture,
    /// Standard deviation of the part of the logarithm that is common to all bundles.
    pub shared_deviation: f64,
    /// Its steps, by index, with their shares of its seconds.
    pub steps: Vec<(usize, f64)>,
}

/// Returns the bundles of all steps: the short ones of a kind together, each other step alone.
pub fn bundles(forecasts: &[&Forecast]) -> Vec<Bundle> {
    let mut by_kind: BTreeMap<StepKind, Vec<usize>> = BTreeMap::new();
    let mut bundles = Vec::new();
    for (index, forecast) in forecasts.iter().enumerate() {
        match forecast.short_kind {
            Some(kind) => by_kind.entry(kind).or_default().push(index),
            None => bundles.push(alone(index, forecast)),
        }
    }
    for steps in by_kind.into_values() {
        match steps[..] {
            [only] => bundles.push(alone(only, forecasts[only])),
            _ => bundles.push(together(&steps, forecasts)),
        }
    }
    bundles
}

fn alone(index: usize, forecast: &Forecast) -> Bundle {
    Bundle {
        duration: forecast.duration.clone(),
        shared_deviation: forecast.shared_deviation,
        steps: vec![(index, 1.0)],
    }
}

fn together(steps: &[usize], forecasts: &[&Forecast]) -> Bundle {
    let mut sum = SumOfMedians::default();
    let mut medians = Vec::with_capacity(steps.len());
    for step in steps {
        medians.push((*step, sum.add(forecasts[*step])));
    }
    Bundle {
        duration: sum.duration(),
        shared_deviation: sum.shared_deviation(),
        steps: medians
            .into_iter()
            .map(|(step, median)| (step, median / sum.seconds))
            .collect(),
    }
}

/// A sum of steps whose own errors are independent: σ² = σ_shared² + Σ w² σ_own², where w is a step's share of the sum.
///
/// The centre is the sum of what was measured. The sum of lognormal draws around each of them would be higher, but what
/// was measured are draws already, and their sum is that high.
/// Degrees of freedom after Welch (1947) and Satterthwaite (1946): ν = σ⁴ / (σ_shared⁴/ν₀ + Σ w⁴ σ_own⁴/ν).
#[derive(Clone, Copy, Debug, Default)]
pub struct SumOfMedians {
    seconds: f64,
    /// Σ m σ_shared, Σ m² σ_own² and Σ m⁴ σ_own⁴/ν, where m is a step's median.
    shared: f64,
    own: f64,
    squares: f64,
}

impl SumOfMedians {
    /// Adds a step and returns its median, in seconds.
    pub fn add(&mut self, forecast: &Forecast) -> f64 {
        let median = forecast.duration.quantile(0.5);
        let own = median * median * own_variance(forecast);
        self.seconds += median;
        self.shared += median * forecast.shared_deviation;
        self.own += own;
        self.squares += own * own / freedom(forecast);
        median
    }

    /// Returns the distribution of the sum, to which at least one step was added.
    pub fn duration(&self) -> LogMixture {
        let shared = self.shared_deviation().powi(2);
        let own = self.own / self.seconds.powi(2);
        let variance = shared + own;
        let squares = shared * shared / RUN_DEGREES_OF_FREEDOM + self.squares / self.seconds.powi(4);
        let freedom = if squares > 0.0 {
            variance * variance / squares
        } else {
            f64::INFINITY
        };
        student(self.seconds.ln(), variance.sqrt(), freedom)
    }

    fn shared_deviation(&self) -> f64 {
        self.shared / self.seconds
    }
}

/// Returns the squared scale of the part of the logarithm that a step shares with no other.
pub fn own_variance(forecast: &Forecast) -> f64 {
    let mean = forecast.duration.log_mean();
    let components = forecast.duration.components().iter();
    let scale: f64 = components
        .map(|one| one.weight * (one.standard_deviation.powi(2) + (one.mean - mean).powi(2)))
        .sum();
    (scale - forecast.shared_deviation.powi(2)).max(0.0)
}

fn freedom(forecast: &Forecast) -> f64 {
    let components = forecast.duration.components().iter();
    components
        .map(|one| one.degrees_of_freedom)
        .fold(f64::INFINITY, f64::min)
}
