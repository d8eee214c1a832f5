//! How production's hardware differs from the clone's, from probes of both, and what that means for a step.
//!
//! The probes give, for each resource, the ratio of the times that the same work takes. A step is taken for a fixed mix
//! of resources ([`mix`]); the logarithm of its own ratio is the mean of theirs, weighted by that mix. The variances
//! add up likewise, and the model's own uncertainty is added to them.

use super::estimate::{Basis, Rate};
use super::forecast::Forecast;
use crate::migration::StepKind;
use crate::observation::{ProbeRun, ProbedServer, Resource};
use crate::stats::distribution::{normal_quantile, two_sided_factor};
use crate::stats::quantile::quantile;

/// Standard deviation, on the logarithmic scale, of what a mix of small probes does not tell of a step: ×/÷ 1.6 at
/// 95 %. An assumption; it is to be learned from recorded outcomes.
const MODEL_SD: f64 = 0.25;

/// The same of a resource that was not probed on both servers, which is taken to be alike: ×/÷ 2.7 at 95 %.
const UNKNOWN_SD: f64 = 0.5;

/// The same of what a probe of this resource cannot see: how much of the pages the operating system's caches hold, and
/// how a mean over the life of a server's counters differs from today.
const READS_SD: f64 = 0.4;
const COMMITS_SD: f64 = 0.3;

/// Smallest standard deviation of one server's median: repetitions that agree by chance prove nothing.
const LEAST_SD: f64 = 0.02;

/// Factor from the standard error of a mean to that of a median of normal values: √(π/2).
const MEDIAN_TO_MEAN: f64 = 1.253_314_137_315_500_1;

/// A factor: normal on the logarithmic scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogRatio {
    /// Mean of its logarithm.
    pub mean: f64,
    /// Standard deviation of its logarithm.
    pub standard_deviation: f64,
}

impl LogRatio {
    /// Returns its median.
    pub fn median(&self) -> f64 {
        self.mean.exp()
    }

    /// Returns the bounds of its central interval of this level.
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let half_width = normal_quantile(0.5 + level / 2.0) * self.standard_deviation;
        ((self.mean - half_width).exp(), (self.mean + half_width).exp())
    }
}

/// The time that work takes on production, as a multiple of the clone's, by resource in the order of
/// [`Resource::ALL`]; `None` where one of them is not known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hardware([Option<LogRatio>; Resource::ALL.len()]);

impl Hardware {
    /// Compares the probes of two servers.
    pub fn compare(staging: &ProbedServer, production: &ProbedServer) -> Hardware {
        Hardware(Resource::ALL.map(|resource| {
            let (clone, other) = (
                logarithm(staging.runs(resource))?,
                logarithm(production.runs(resource))?,
            );
            let unseen = match resource {
                Resource::Reads => READS_SD,
                Resource::Commits => COMMITS_SD,
                Resource::Hashing | Resource::Sorting | Resource::LookUps => 0.0,
            };
            Some(LogRatio {
                mean: other.mean - clone.mean,
                standard_deviation: clone.standard_deviation.hypot(other.standard_deviation).hypot(unseen),
            })
        }))
    }

    /// Returns the ratio of one resource.
    pub fn ratio(&self, resource: Resource) -> Option<LogRatio> {
        let found = Resource::ALL.iter().zip(self.0).find(|(known, _)| **known == resource);
        found.and_then(|(_, ratio)| ratio)
    }

    /// Returns the ratio of a step of this kind.
    pub fn of_step(&self, kind: StepKind) -> LogRatio {
        let (mut mean, mut variance) = (0.0, MODEL_SD * MODEL_SD);
        for (resource, share) in mix(kind) {
            let ratio = self.ratio(*resource).unwrap_or(LogRatio {
                mean: 0.0,
                standard_deviation: UNKNOWN_SD,
            });
            mean += share * ratio.mean;
            variance += (share * ratio.standard_deviation).powi(2);
        }
        LogRatio {
            mean,
            standard_deviation: variance.sqrt(),
        }
    }

    /// Shifts a forecast from the clone's hardware to production's. The pauses between batches, of `pause_seconds` in
    /// all, stay as they are, and so do rules of thumb, which know of no hardware. `level` is that of the rate's
    /// interval.
    pub(super) fn shift(&self, kind: StepKind, pause_seconds: f64, level: f64, forecast: &mut Forecast) {
        if forecast.basis == Basis::RuleOfThumb {
            return;
        }
        let ratio = self.of_step(kind);
        let total = forecast.duration.quantile(0.5);
        let paused = (pause_seconds / total).clamp(0.0, 1.0);
        let working = (1.0 - paused) * ratio.median();
        let factor = paused + working;
        // The derivative of the total's logarithm by that of the working time.
        let deviation = ratio.standard_deviation * working / factor;
        forecast.duration = forecast.duration.scaled(factor).widened(deviation * deviation);
        forecast.shared_deviation = forecast.shared_deviation.hypot(deviation);
        forecast.rate = forecast.rate.map(|rate| shifted(rate, factor, deviation, level));
        for lock in &mut forecast.locks {
            lock.held_seconds = lock.held_seconds.map(|held| held * ratio.median());
        }
    }

    /// Says what is assumed of the hardware for steps of these kinds.
    pub fn told(&self, kinds: &[StepKind]) -> Vec<String> {
        let known = Resource::ALL.iter().filter_map(|resource| {
            let ratio = self.ratio(*resource)?;
            Some(format!("×{:.2} for {}", ratio.median(), in_words(*resource)))
        });
        let known: Vec<String> = known.collect();
        let unknown = Resource::ALL.iter().filter(|resource| self.ratio(**resource).is_none());
        let unknown: Vec<&str> = unknown.map(|resource| in_words(*resource)).collect();
        let mut text = "Settings and load are like those of the rehearsal; hardware differs as probed".to_owned();
        if !known.is_empty() {
            text += &format!(": production takes {} of the clone's time", known.join(", "));
        }
        if !unknown.is_empty() {
            text += &format!("; not known and taken to be alike: {}", unknown.join(", "));
        }
        let mut sentences = vec![format!("{text}.")];
        for (index, kind) in kinds.iter().enumerate() {
            if !kinds[..index].contains(kind) {
                sentences.push(self.told_of_kind(*kind));
            }
        }
        sentences
    }

    fn told_of_kind(&self, kind: StepKind) -> String {
        let parts: Vec<String> = mix(kind)
            .iter()
            .map(|(resource, share)| format!("{:.0} % {}", 100.0 * share, in_words(*resource)))
            .collect();
        let ratio = self.of_step(kind);
        let (lower, upper) = ratio.interval(0.95);
        format!(
            "{} is taken for {}: ×{:.2}, with 95 % probability between ×{lower:.2} and ×{upper:.2}.",
            named(kind),
            parts.join(", "),
            ratio.median()
        )
    }
}

/// Returns what a step's time on the clone goes into, as shares that sum to 1. An assumption, the same for all tables:
/// plans, sizes and settings decide what a step really needs.
fn mix(kind: StepKind) -> &'static [(Resource, f64)] {
    use Resource::{Commits, Hashing, LookUps, Reads, Sorting};

    match kind {
        StepKind::Backfill => &[(Hashing, 0.4), (LookUps, 0.25), (Reads, 0.15), (Commits, 0.2)],
        StepKind::Dml => &[(Hashing, 0.5), (LookUps, 0.3), (Reads, 0.2)],
        StepKind::IndexBuild => &[(Sorting, 0.45), (Hashing, 0.2), (Reads, 0.35)],
        StepKind::TableScan | StepKind::TableRewrite => &[(Hashing, 0.5), (Reads, 0.5)],
        StepKind::CatalogOnly => &[(LookUps, 0.5), (Commits, 0.5)],
        StepKind::Unclassified => &[(Hashing, 0.4), (LookUps, 0.2), (Reads, 0.4)],
    }
}

/// Returns a step of this kind, as the subject of a sentence.
fn named(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Backfill => "A backfill",
        StepKind::Dml => "A statement that changes rows",
        StepKind::IndexBuild => "An index build",
        StepKind::TableRewrite => "A rewrite",
        StepKind::TableScan => "A scan",
        StepKind::CatalogOnly => "A change of the catalog",
        StepKind::Unclassified => "A statement of unknown kind",
    }
}

/// Returns a resource in words, as in "production takes half the time for reads".
pub fn in_words(resource: Resource) -> &'static str {
    match resource {
        Resource::Hashing => "hashing",
        Resource::Sorting => "sorting",
        Resource::LookUps => "look-ups",
        Resource::Reads => "reads",
        Resource::Commits => "commits",
    }
}

/// Returns the median time of one unit of work, in seconds, with its standard error; both of the logarithm.
fn logarithm(runs: &[ProbeRun]) -> Option<LogRatio> {
    let mut values: Vec<f64> = runs.iter().map(|run| (run.seconds / run.amount).ln()).collect();
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = match values.len() {
        0 => return None,
        1 => 0.0,
        _ => MEDIAN_TO_MEAN * (few(count) * squares / (count - 1.0) / count).sqrt(),
    };
    Some(LogRatio {
        mean: quantile(&values, 0.5),
        standard_deviation: error.max(LEAST_SD),
    })
}

/// Returns the factor by which the variance of a mean of `count` values grows as their spread is estimated from
/// themselves: the variance of Student's t with ν = `count` − 1 degrees of freedom, ν / (ν − 2), and 3 where it has
/// none.
fn few(count: f64) -> f64 {
    if count > 3.0 {
        (count - 1.0) / (count - 3.0)
    } else {
        3.0
    }
}

/// Returns a rate on other hardware, with the interval widened on the logarithmic scale.
fn shifted(rate: Rate, factor: f64, deviation: f64, level: f64) -> Rate {
    let more = two_sided_factor(level, f64::INFINITY) * deviation;
    let half_width = |bound: f64| (bound / rate.point).ln().hypot(more);
    let point = rate.point / factor;
    Rate {
        point,
        lower: point * (-half_width(rate.lower)).exp(),
        upper: point * half_width(rate.upper).exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::ProbedResource;

    fn server(resources: &[(Resource, &[f64])]) -> ProbedServer {
        let probed = |(resource, seconds): &(Resource, &[f64])| ProbedResource {
            resource: *resource,
            runs: seconds
                .iter()
                .map(|seconds| ProbeRun {
                    amount: 100.0,
                    seconds: *seconds,
                })
                .collect(),
            remarks: Vec::new(),
        };
        ProbedServer {
            resources: resources.iter().map(probed).collect(),
            ..ProbedServer::default()
        }
    }

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
    }

    const SLOW: [f64; 5] = [0.5, 0.52, 0.47, 0.61, 0.5];
    const FAST: [f64; 3] = [0.2, 0.26, 0.23];

    // python3: a, b = [log(x) for x in [.5, .52, .47, .61, .5]], [log(x) for x in [.2, .26, .23]];
    // median(a) - median(b); se = lambda x, f: sqrt(pi / 2 * f / len(x)) * statistics.stdev(x);
    // hypot(se(a, 4 / 2), se(b, 3))
    #[test]
    fn ratios_are_of_medians_and_their_errors() {
        let hardware = Hardware::compare(
            &server(&[(Resource::Hashing, &FAST)]),
            &server(&[(Resource::Hashing, &SLOW)]),
        );
        let ratio = hardware.ratio(Resource::Hashing).expect("both were probed");
        check(ratio.mean, 0.7765287894989964);
        check(ratio.standard_deviation, 0.18206835906201788);
        assert_eq!(hardware.ratio(Resource::Sorting), None);
        // m = 0.5 * ratio, s = sqrt(.25**2 + (.5 * sd)**2 + (.5 * .5)**2): the reads are not known
        let scan = hardware.of_step(StepKind::TableScan);
        check(scan.mean, 0.3882643947494982);
        check(scan.standard_deviation, 0.3650852254513786);
        // exp(m - 1.959963984540054 * s), exp(m + 1.959963984540054 * s)
        let (lower, upper) = scan.interval(0.95);
        check(lower, 0.7208750206340888);
        check(upper, 3.0156587220431987);
    }

    #[test]
    fn what_agrees_or_was_measured_once_is_uncertain_all_the_same() {
        let once = server(&[(Resource::Commits, &[0.3])]);
        let commits = Hardware::compare(&once, &once).ratio(Resource::Commits).expect("known");
        check(commits.mean, 0.0);
        // python3: sqrt(2 * .02**2 + .3**2)
        check(commits.standard_deviation, 0.30133038346638724);
        let nothing = Hardware::compare(&server(&[]), &once);
        check(nothing.of_step(StepKind::Backfill).mean, 0.0);
    }

    #[test]
    fn every_mix_is_whole() {
        for kind in [
            StepKind::Backfill,
            StepKind::Dml,
            StepKind::IndexBuild,
            StepKind::TableScan,
            StepKind::TableRewrite,
            StepKind::CatalogOnly,
            StepKind::Unclassified,
        ] {
            check(mix(kind).iter().map(|(_, share)| share).sum(), 1.0);
        }
    }

    #[test]
    fn pauses_are_not_faster_on_faster_hardware() {
        use crate::model::{EstimateOptions, batch_log, estimate};

        let log = "rows,seconds\n".to_string() + &"100,0.01\n".repeat(400);
        let mut rehearsal = batch_log::read(&log, "log.csv", 40_000.0).expect("a batch log");
        let all = Resource::ALL.map(|resource| (resource, FAST.as_slice()));
        let twice = FAST.map(|seconds| 2.0 * seconds);
        let slow = Resource::ALL.map(|resource| (resource, twice.as_slice()));
        let options = EstimateOptions {
            hardware: Some(Hardware::compare(&server(&all), &server(&slow))),
            ..EstimateOptions::default()
        };
        let alike = estimate(&rehearsal, &[], &EstimateOptions::default()).expect("an estimate");
        let shifted = estimate(&rehearsal, &[], &options).expect("an estimate");
        let ratio = shifted.total.point_seconds / alike.total.point_seconds;
        assert!((ratio - 2.0).abs() < 0.02, "{ratio}");
        assert!(shifted.interval().upper_seconds > 2.0 * alike.interval().upper_seconds);
        let rate = |of: &crate::model::estimate::Estimate| of.steps[0].rows_per_second.expect("a rate");
        check(rate(&shifted).point * 2.0, rate(&alike).point);
        assert!(rate(&shifted).lower < rate(&alike).lower / 2.0);
        let said = shifted.assumptions.join(" ");
        for words in [
            "production takes ×2.00 for hashing, ×2.00 for sorting",
            "A backfill is taken for 40 % hashing, 25 % look-ups, 15 % reads, 20 % commits: ×2.00",
        ] {
            assert!(said.contains(words), "{words} is not in {said}");
        }
        let batching = rehearsal.steps[0].batching.as_mut().expect("batched");
        batching.batch_delay_seconds = 0.09;
        let paused = estimate(&rehearsal, &[], &options).expect("an estimate");
        // 399 pauses of 0.09 s and 400 batches of 0.02 s
        assert!(
            (paused.total.point_seconds - 43.91).abs() < 0.3,
            "{}",
            paused.total.point_seconds
        );
    }
}
