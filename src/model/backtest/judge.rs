//! Judges the pairs of a backtest: pure arithmetic, seeded.

use std::collections::BTreeMap;

use super::judgement::{FamilyResult, Held, Judgement, PitBin, Subject};
use super::outcome::{LEVELS, Outcome};
use super::pair::{Pair, Status};
use super::plan::Design;
use super::score::{best_factors, mean_score};
use crate::error::{Error, ErrorKind, Result};
use crate::observation::FORMAT_VERSION;
use crate::stats::cluster_bootstrap::cluster_interval;
use crate::stats::interval::wilson_interval;
use crate::stats::quantile::quantile;
use crate::stats::random::generator;

/// Draws of the bootstrap over families: enough for percentages without decimals.
const DRAWS: usize = 5_000;
/// Level of the intervals around shares.
const LEVEL: f64 = 0.95;
/// Quantiles between the bins of the probability integral transform, which follow from [`LEVELS`].
const EDGES: [f64; 9] = [0.0, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 1.0];

/// Judges `pairs` by those of the families that judge; `seed` is that of the bootstrap.
///
/// # Errors
/// `TooLittleEvidence` when migtime gave no number for any of these.
pub fn judge(pairs: &[Pair], seed: u64) -> Result<Judgement> {
    let (judging, fitting): (Vec<&Pair>, Vec<&Pair>) = pairs.iter().partition(|pair| pair.judging);
    let with_status = |status| judging.iter().filter(|pair| pair.status == status).count();
    let factors = best_factors(&fitting);
    let subjects = subjects(&judging, factors.as_ref(), seed);
    let outcomes: Vec<Outcome> = judging.iter().filter_map(|pair| Outcome::of_migtime(pair)).collect();
    if outcomes.is_empty() {
        return Err(Error::new(
            ErrorKind::TooLittleEvidence,
            "no pair of a family that judges has a prediction",
        )
        .with_hint("half of the families only fit constants, see `migtime backtest --list`; make more pairs"));
    }
    let mut versions = BTreeMap::new();
    for pair in pairs {
        *versions.entry(pair.version.clone()).or_insert(0) += 1;
    }
    Ok(Judgement {
        kind: "backtest".to_string(),
        format_version: FORMAT_VERSION,
        seed,
        versions,
        pairs: pairs.len(),
        judging_pairs: judging.len(),
        refused: with_status(Status::Refused),
        provisional: with_status(Status::Provisional),
        fixed_factor: factors.map(|[_, _, factor]| factor),
        fitted_pairs: fitting.iter().filter(|pair| pair.segment_mean.is_some()).count(),
        subjects,
        families: families(pairs),
        pit: histogram(&outcomes),
    })
}

/// Returns migtime as a whole and in part, then the baselines; those without a pair are left out.
fn subjects(judging: &[&Pair], factors: Option<&[f64; 3]>, seed: u64) -> Vec<Subject> {
    let of_design = |design| {
        let pairs = judging.iter().filter(move |pair| pair.design == design);
        pairs.filter_map(|pair| Outcome::of_migtime(pair)).collect()
    };
    let promised = judging.iter().filter(|pair| pair.status == Status::Promised);
    let factor = |pair: &&'_ &Pair| factors.is_some() && pair.segment_mean.is_some();
    let all: [(&str, Vec<Outcome>); 8] = [
        (
            "migtime",
            judging.iter().filter_map(|pair| Outcome::of_migtime(pair)).collect(),
        ),
        (
            "where it promises",
            promised.filter_map(|pair| Outcome::of_migtime(pair)).collect(),
        ),
        ("replays as by default", of_design(Design::Whole)),
        ("replays of 15 or 30 %", of_design(Design::Partial)),
        ("statements from a quarter", of_design(Design::Quarter)),
        (
            "first 15 %, linear, t-interval",
            judging.iter().filter_map(|pair| Outcome::of_line(pair)).collect(),
        ),
        (
            "first 15 %, last rate",
            judging.iter().filter_map(|pair| Outcome::of_last_rate(pair)).collect(),
        ),
        (
            "mean of the segments, best fixed factor",
            judging
                .iter()
                .filter(factor)
                .filter_map(|pair| Outcome::of_factor(pair, factors?))
                .collect(),
        ),
    ];
    let measured = all.into_iter().filter(|(_, outcomes)| !outcomes.is_empty());
    measured
        .map(|(name, outcomes)| subject(name, &outcomes, seed))
        .collect()
}

fn subject(name: &str, outcomes: &[Outcome], seed: u64) -> Subject {
    let errors = sorted(outcomes.iter().map(|outcome| outcome.error().abs()));
    Subject {
        name: name.to_string(),
        pairs: outcomes.len(),
        families: by_family(outcomes).len(),
        held: (0..LEVELS.len()).map(|level| held(outcomes, level, seed)).collect(),
        half_width: quantile(&sorted(outcomes.iter().map(Outcome::half_width)), 0.5),
        median_error: quantile(&errors, 0.5),
        ninth_error: quantile(&errors, 0.9),
        score_80: mean_score(outcomes, 1),
        score_95: mean_score(outcomes, 2),
    }
}

/// Returns how often the intervals at `LEVELS[level]` held.
fn held(outcomes: &[Outcome], level: usize, seed: u64) -> Held {
    let hits = |outcomes: &[&Outcome]| outcomes.iter().filter(|outcome| outcome.is_held(level)).count();
    let count = hits(&outcomes.iter().collect::<Vec<_>>());
    let clusters: Vec<(f64, f64)> = by_family(outcomes)
        .values()
        .map(|family| (hits(family) as f64, family.len() as f64))
        .collect();
    let wilson = wilson_interval(count as u64, outcomes.len() as u64, LEVEL);
    let families = cluster_interval(&clusters, DRAWS, LEVEL, &mut generator(seed));
    Held {
        level: LEVELS[level],
        count,
        share: count as f64 / outcomes.len() as f64,
        wilson_lower: wilson.lower_bound,
        wilson_upper: wilson.upper_bound,
        families_lower: families.map(|interval| interval.lower_bound),
        families_upper: families.map(|interval| interval.upper_bound),
    }
}

fn by_family<'a, 'b>(outcomes: &'b [Outcome<'a>]) -> BTreeMap<&'a str, Vec<&'b Outcome<'a>>> {
    let mut families: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        families.entry(outcome.family).or_default().push(outcome);
    }
    families
}

/// Returns the result of each family, in the order of their names.
fn families(pairs: &[Pair]) -> Vec<FamilyResult> {
    let mut families: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
    for pair in pairs {
        families.entry(&pair.family).or_default().push(pair);
    }
    let result = |(name, pairs): (&str, Vec<&Pair>)| {
        let outcomes: Vec<Outcome> = pairs.iter().filter_map(|pair| Outcome::of_migtime(pair)).collect();
        let logarithms = outcomes.iter().map(|outcome| (1.0 + outcome.error()).ln());
        let any = !outcomes.is_empty();
        FamilyResult {
            name: name.to_string(),
            judging: pairs[0].judging,
            pairs: pairs.len(),
            refused: pairs.len() - outcomes.len(),
            held: outcomes.iter().filter(|outcome| outcome.is_held(2)).count(),
            bias: any.then(|| (logarithms.sum::<f64>() / outcomes.len() as f64).exp() - 1.0),
            half_width: any.then(|| quantile(&sorted(outcomes.iter().map(Outcome::half_width)), 0.5)),
        }
    };
    families.into_iter().map(result).collect()
}

fn histogram(outcomes: &[Outcome]) -> Vec<PitBin> {
    let bins = EDGES.windows(2).enumerate().map(|(bin, edges)| {
        let count = outcomes.iter().filter(|outcome| outcome.bin() == bin).count();
        PitBin {
            from: edges[0],
            to: edges[1],
            count,
            share: count as f64 / outcomes.len() as f64,
        }
    });
    bins.collect()
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests;
