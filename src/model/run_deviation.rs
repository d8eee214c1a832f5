//! How much two runs of the same work differ on one machine: learned from the runs of identical work that its history
//! holds, and from the runs of the rehearsal itself. Knows no steps.

use crate::observation::RunGroup;
use crate::stats::log_mixture::{Component, LogMixture};

/// The standard deviations of the logarithm that are considered. The prior weights of their logarithms are normal.
const DEVIATIONS: [f64; 7] = [0.015, 0.02, 0.03, 0.04, 0.06, 0.09, 0.13];
/// Centre of the prior.
///
/// Measured between whole runs of the same work: 3 % on a quiet machine, 6 to 7 % on a shared one (`priors.rs`).
const USUAL: f64 = 0.05;
/// Standard deviation of the prior's logarithm.
const USUAL_SPREAD: f64 = 0.6;

/// What is known of the standard deviation of the logarithm between two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunDeviation {
    /// Logarithm of the posterior weight of each of [`DEVIATIONS`].
    log_weights: [f64; DEVIATIONS.len()],
    /// Runs beyond the first of each group: how much it was learned from.
    pub degrees_of_freedom: u64,
}

impl RunDeviation {
    /// Returns what `groups` of runs of identical work teach.
    ///
    /// ln w(σ) = −½ (ln(σ/0.05)/0.6)² − Σ_g [(n_g − 1) ln σ + (n_g − 1) s_g² / 2σ²]: a log-normal prior, and the
    /// density of each group's sample variance, (n_g − 1) s_g²/σ² ~ χ².
    /// Source: Gelman et al., Bayesian Data Analysis, 3rd edition, §2.6 (normal data, unknown variance).
    pub fn learned(groups: &[RunGroup]) -> RunDeviation {
        let usual = |deviation: f64| -0.5 * ((deviation / USUAL).ln() / USUAL_SPREAD).powi(2);
        let prior = RunDeviation {
            log_weights: DEVIATIONS.map(usual),
            degrees_of_freedom: 0,
        };
        groups.iter().fold(prior, |known, group| {
            known.with(group.runs.saturating_sub(1), group.standard_deviation)
        })
    }

    /// Returns what is known after further runs of identical work, given the logarithms of their seconds.
    pub fn and(&self, logarithms: &[f64]) -> RunDeviation {
        match RunGroup::of(logarithms) {
            Some(group) => self.clone().with(group.runs - 1, group.standard_deviation),
            None => self.clone(),
        }
    }

    fn with(mut self: RunDeviation, freedom: u32, standard_deviation: f64) -> RunDeviation {
        let count = f64::from(freedom);
        for (weight, deviation) in self.log_weights.iter_mut().zip(DEVIATIONS) {
            *weight -= count * (deviation.ln() + (standard_deviation / deviation).powi(2) / 2.0);
        }
        self.degrees_of_freedom += u64::from(freedom);
        self
    }

    /// Returns the standard deviations with their weights, which sum to 1.
    fn weighted(&self) -> impl Iterator<Item = (f64, f64)> + Clone {
        let highest = self.log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights = self.log_weights.map(|weight| (weight - highest).exp());
        let sum: f64 = weights.iter().sum();
        DEVIATIONS.into_iter().zip(weights.map(|weight| weight / sum))
    }

    /// Returns the root of the mean square, for where a single number is needed.
    pub fn root_mean_square(&self) -> f64 {
        self.weighted()
            .map(|(deviation, weight)| weight * deviation * deviation)
            .sum::<f64>()
            .sqrt()
    }

    /// Returns `duration` with `factor` times the variance between runs added to the logarithm's.
    pub fn added_to(&self, duration: &LogMixture, factor: f64) -> LogMixture {
        let crossed = duration.components().iter().flat_map(|component| {
            self.weighted().map(|(deviation, weight)| Component {
                weight: weight * component.weight,
                standard_deviation: component.standard_deviation.hypot(factor.sqrt() * deviation),
                ..*component
            })
        });
        // Weights of finite components, of which at least one is positive.
        LogMixture::new(crossed.collect()).map_or_else(|| duration.clone(), |mixture| mixture.condensed())
    }
}

impl Default for RunDeviation {
    /// Returns what is assumed without any history.
    fn default() -> RunDeviation {
        RunDeviation::learned(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::repeated::student;

    fn group(runs: u32, standard_deviation: f64) -> RunGroup {
        RunGroup {
            runs,
            standard_deviation,
        }
    }

    // numpy: s = array([.015, .02, .03, .04, .06, .09, .13]); w = -.5*(log(s/.05)/.6)**2;
    // for n, d in groups: w -= (n-1)*(log(s) + d**2/(2*s**2)); w = exp(w - w.max()); w /= w.sum()
    // rms = sqrt((w*s*s).sum()); scipy.optimize.brentq(lambda x: (w*norm.cdf(x/(sqrt(2)*s))).sum() - .975, 0, 1)
    fn check(groups: &[RunGroup], root_mean_square: f64, half_width: f64) {
        let known = RunDeviation::learned(groups);
        assert!(
            (known.root_mean_square() / root_mean_square - 1.0).abs() < 1e-6,
            "{}",
            known.root_mean_square()
        );
        let point = student(0.0, 1e-9, f64::INFINITY);
        let upper = known.added_to(&point, 2.0).quantile(0.975).ln();
        assert!((upper / half_width - 1.0).abs() < 2e-3, "±{upper}, not ±{half_width}");
    }

    #[test]
    fn weights_agree_with_numpy() {
        check(&[], 0.062765201, 0.188901);
        check(&[group(6, 0.021)], 0.031835556, 0.090986);
        check(
            &[group(6, 0.021), group(4, 0.03), group(10, 0.025)],
            0.029361483,
            0.082697,
        );
        check(&[group(5, 0.11), group(5, 0.09)], 0.099377696, 0.279065);
    }

    #[test]
    fn the_rehearsals_own_runs_count_like_a_group() {
        let logarithms = [1.0, 1.02, 0.97];
        let own = RunDeviation::default().and(&logarithms);
        let group = RunGroup::of(&logarithms).expect("several runs");
        assert_eq!(own, RunDeviation::learned(&[group]));
        assert_eq!((own.degrees_of_freedom, group.runs), (2, 3));
        assert_eq!(RunDeviation::default().and(&[1.0]), RunDeviation::default());
    }
}
