//! A mixture of normal or t distributions on the logarithmic scale: the shape of every predicted duration.
//!
//! Values are positive numbers of any unit; `mean` and `standard_deviation` of a component are those of their
//! logarithm.

use std::collections::BTreeMap;

use rand::Rng;

use super::distribution::{student_cumulative, student_quantile};
use super::interval::Interval;
use super::random::{standard_normal, student_scale, uniform};

/// One component of a [`LogMixture`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// Share of the mixture; the weights of a mixture sum to 1.
    pub weight: f64,
    /// Centre of the logarithm.
    pub mean: f64,
    /// Scale of the logarithm (the standard deviation when the component is normal).
    pub standard_deviation: f64,
    /// Degrees of freedom; infinite for a normal component.
    pub degrees_of_freedom: f64,
}

/// A distribution of positive values whose logarithm is a mixture of normal or t distributions.
#[derive(Clone, Debug, PartialEq)]
pub struct LogMixture {
    components: Vec<Component>,
}

/// Components with a smaller weight do not change any printed digit.
const NEGLIGIBLE_WEIGHT: f64 = 1e-7;

impl LogMixture {
    /// Returns the mixture with its weights normalised; `None` when no component has weight or one is not finite.
    pub fn new(mut components: Vec<Component>) -> Option<LogMixture> {
        let sum: f64 = components.iter().map(|component| component.weight).sum();
        let finite = components
            .iter()
            .all(|component| component.mean.is_finite() && component.standard_deviation.is_finite());
        if !(sum > 0.0 && sum.is_finite() && finite) {
            return None;
        }
        components.retain(|component| component.weight > NEGLIGIBLE_WEIGHT * sum);
        let kept: f64 = components.iter().map(|component| component.weight).sum();
        for component in &mut components {
            component.weight /= kept;
            // Avoids a division by zero in the distribution function.
            component.standard_deviation = component.standard_deviation.max(1e-9);
        }
        Some(LogMixture { components })
    }

    /// Returns the components.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Returns the mixture with each component changed by `change`; weights stay as they are.
    pub fn map(&self, change: impl Fn(Component) -> Component) -> LogMixture {
        LogMixture {
            components: self.components.iter().map(|component| change(*component)).collect(),
        }
    }

    /// Returns the distribution of the values times `factor` (positive).
    pub fn scaled(&self, factor: f64) -> LogMixture {
        self.map(|component| Component {
            mean: component.mean + factor.ln(),
            ..component
        })
    }

    /// Returns the distribution with `variance` added to the logarithm's.
    pub fn widened(&self, variance: f64) -> LogMixture {
        self.map(|component| Component {
            standard_deviation: (component.standard_deviation.powi(2) + variance).sqrt(),
            ..component
        })
    }

    /// Returns nearly the same distribution with far fewer components, for mixtures of thousands.
    ///
    /// Components whose means differ by less than a tenth of the smallest standard deviation, and whose standard
    /// deviations differ by less than a tenth, are merged into one with the same mean and variance.
    pub fn condensed(&self) -> LogMixture {
        let deviations = self.components.iter().map(|component| component.standard_deviation);
        let step = 0.1 * deviations.fold(f64::INFINITY, f64::min);
        let mut cells: BTreeMap<(i64, i64, u64), Vec<Component>> = BTreeMap::new();
        for component in &self.components {
            let place = (component.mean / step).floor() as i64;
            let scale = (component.standard_deviation.ln() / 0.1).floor() as i64;
            let cell = (place, scale, component.degrees_of_freedom.to_bits());
            cells.entry(cell).or_default().push(*component);
        }
        LogMixture {
            components: cells.values().map(|cell| merged(cell)).collect(),
        }
    }

    /// Returns the probability that a value is at most `value`.
    pub fn cumulative(&self, value: f64) -> f64 {
        if value <= 0.0 {
            return 0.0;
        }
        self.cumulative_of_logarithm(value.ln())
    }

    /// Returns the quantile of `probability`, by bisection of the distribution function.
    pub fn quantile(&self, probability: f64) -> f64 {
        let mut known = (f64::NAN, f64::NAN);
        let (mut lower, mut upper) = (f64::INFINITY, f64::NEG_INFINITY);
        // The mixture's quantile lies between the lowest and the highest of its components' quantiles.
        for component in &self.components {
            let freedom = component.degrees_of_freedom;
            if known.0 != freedom {
                known = (freedom, student_quantile(probability, freedom));
            }
            let quantile = component.mean + known.1 * component.standard_deviation;
            (lower, upper) = (lower.min(quantile), upper.max(quantile));
        }
        while upper - lower > 1e-9 {
            let middle = 0.5 * (lower + upper);
            if self.cumulative_of_logarithm(middle) < probability {
                lower = middle;
            } else {
                upper = middle;
            }
        }
        (0.5 * (lower + upper)).exp()
    }

    /// Returns the central interval that holds a value with probability `confidence_level`.
    pub fn central_interval(&self, confidence_level: f64) -> Interval {
        Interval {
            lower_bound: self.quantile(0.5 - confidence_level / 2.0),
            upper_bound: self.quantile(0.5 + confidence_level / 2.0),
        }
    }

    /// Returns the mean of the logarithm.
    pub fn log_mean(&self) -> f64 {
        self.components
            .iter()
            .map(|component| component.weight * component.mean)
            .sum()
    }

    /// Returns the variance of the logarithm: Σ w (s² ν/(ν − 2) + m²) − (Σ w m)²; infinite when some ν ≤ 2.
    pub fn log_variance(&self) -> f64 {
        let mean = self.log_mean();
        self.components
            .iter()
            .map(|component| component.weight * (variance(component) + (component.mean - mean).powi(2)))
            .sum()
    }

    /// Draws one value.
    ///
    /// `shared` is a standard normal effect that several distributions have in common; `shared_deviation` is its part
    /// of the logarithm's scale. The rest is drawn independently. Both are multiplied by the same √(ν/χ²_ν), so that a
    /// single value follows this distribution whatever is shared. Without a common effect, pass a `shared_deviation` of
    /// 0.
    pub fn sample(&self, generator: &mut impl Rng, shared: f64, shared_deviation: f64) -> f64 {
        let component = self.pick(uniform(generator));
        let shared_deviation = shared_deviation.min(component.standard_deviation);
        let own_deviation = (component.standard_deviation.powi(2) - shared_deviation.powi(2))
            .max(0.0)
            .sqrt();
        let effects = shared_deviation * shared + own_deviation * standard_normal(generator);
        (component.mean + student_scale(generator, component.degrees_of_freedom) * effects).exp()
    }

    fn pick(&self, mut share: f64) -> &Component {
        for component in &self.components {
            share -= component.weight;
            if share < 0.0 {
                return component;
            }
        }
        self.components.last().expect("a mixture has components")
    }

    fn cumulative_of_logarithm(&self, logarithm: f64) -> f64 {
        let sum: f64 = self
            .components
            .iter()
            .map(|component| {
                let standardised = (logarithm - component.mean) / component.standard_deviation;
                component.weight * student_cumulative(standardised, component.degrees_of_freedom)
            })
            .sum();
        // Because of rounding, the weights may add up to more than 1.
        sum.min(1.0)
    }
}

/// Returns one component with the weight, mean and variance of several similar ones.
fn merged(components: &[Component]) -> Component {
    let weight: f64 = components.iter().map(|component| component.weight).sum();
    let mean = components
        .iter()
        .map(|component| component.weight * component.mean)
        .sum::<f64>()
        / weight;
    let square = |component: &Component| component.standard_deviation.powi(2) + (component.mean - mean).powi(2);
    let variance = components
        .iter()
        .map(|component| component.weight * square(component))
        .sum::<f64>()
        / weight;
    Component {
        weight,
        mean,
        standard_deviation: variance.sqrt(),
        degrees_of_freedom: components[0].degrees_of_freedom,
    }
}

fn variance(component: &Component) -> f64 {
    let freedom = component.degrees_of_freedom;
    let inflation = match freedom {
        freedom if freedom.is_infinite() => 1.0,
        freedom if freedom > 2.0 => freedom / (freedom - 2.0),
        _ => f64::INFINITY,
    };
    component.standard_deviation.powi(2) * inflation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::generator;

    fn check(actual: f64, expected: f64) {
        assert!((actual / expected - 1.0).abs() < 1e-7, "{actual} is not {expected}");
    }

    fn mixture() -> LogMixture {
        let component = |weight, mean, standard_deviation, degrees_of_freedom| Component {
            weight,
            mean,
            standard_deviation,
            degrees_of_freedom,
        };
        LogMixture::new(vec![
            component(3.0, 4.0, 0.2, f64::INFINITY),
            component(1.0, 4.5, 0.1, 6.0),
        ])
        .expect("a proper mixture")
    }

    // scipy: F = lambda v: 0.75*norm.cdf((log(v) - 4)/0.2) + 0.25*t.cdf((log(v) - 4.5)/0.1, 6)
    // F(60); exp(brentq(lambda l: F(exp(l)) - p, 0, 9, xtol=1e-13)) for p = 0.025, 0.5, 0.975
    #[test]
    fn distribution_and_quantiles_agree_with_scipy() {
        check(mixture().cumulative(60.0), 0.5119128116963809);
        check(mixture().quantile(0.025), 37.832127429448704);
        check(mixture().quantile(0.5), 59.477082385192325);
        check(mixture().quantile(0.975), 104.1022465894931);
        assert_eq!(mixture().cumulative(0.0), 0.0);
    }

    #[test]
    fn rounding_makes_nothing_more_than_certain() {
        let component = mixture().components()[0];
        for count in 1..100 {
            let alike = LogMixture::new(vec![component; count]).expect("a proper mixture");
            assert!(alike.cumulative(1e9) <= 1.0, "{count} components");
        }
    }

    // numpy: m = 0.75*4 + 0.25*4.5; 0.75*0.2**2 + 0.25*0.1**2*6/4 + 0.75*(4 - m)**2 + 0.25*(4.5 - m)**2
    #[test]
    fn moments_of_the_logarithm_agree_with_numpy() {
        check(mixture().log_mean(), 4.125);
        check(mixture().log_variance(), 0.080625);
        check(mixture().scaled(2.0).quantile(0.5), 2.0 * mixture().quantile(0.5));
    }

    #[test]
    fn draws_follow_the_distribution_with_and_without_a_common_effect() {
        for shared_deviation in [0.0, 0.08] {
            let mut generator = generator(11);
            let below = (0..20_000)
                .filter(|_| {
                    let shared = crate::stats::random::standard_normal(&mut generator);
                    mixture().sample(&mut generator, shared, shared_deviation) <= 60.0
                })
                .count();
            // Four standard errors of a proportion among 20,000 draws.
            assert!((below as f64 / 20_000.0 - 0.5119128116963809).abs() < 0.0142);
        }
    }

    #[test]
    fn condensing_changes_no_quantile_that_is_printed() {
        let component = |number: usize| Component {
            weight: 1.0 + (number % 7) as f64,
            mean: 4.0 + 0.3 * (number as f64 / 2000.0).powi(2),
            standard_deviation: 0.1 + 0.1 * (number % 13) as f64 / 13.0,
            degrees_of_freedom: f64::INFINITY,
        };
        let whole = LogMixture::new((0..2000).map(component).collect()).expect("a proper mixture");
        let condensed = whole.condensed();
        assert!(condensed.components().len() < 250, "{}", condensed.components().len());
        for probability in [0.005, 0.025, 0.25, 0.5, 0.975, 0.995] {
            let ratio = condensed.quantile(probability) / whole.quantile(probability);
            assert!((ratio - 1.0).abs() < 5e-4, "{probability}: {ratio}");
        }
    }

    #[test]
    fn refuses_what_is_no_distribution() {
        assert!(LogMixture::new(Vec::new()).is_none());
        let broken = mixture().components()[0];
        let broken = Component {
            mean: f64::NAN,
            ..broken
        };
        assert!(LogMixture::new(vec![broken]).is_none());
    }
}
