//! Intervals for production hold its duration as often as they say, whatever the unknown bias between clone and
//! production: simulated histories whose truth is known.

use migtime::migration::StepKind;
use migtime::model::estimate::Predicted;
use migtime::model::outcome::Outcome;
use migtime::model::transfer::{Shift, Transfer, prior_factor};
use migtime::stats::distribution::two_sided_factor;
use migtime::stats::quantile::quantile;
use migtime::stats::random::{generator, standard_normal, standard_student};

/// Simulated teams, each with its own bias.
const TEAMS: u64 = 2000;
/// Standard deviation of ln(production/clone) between teams: a factor of 2 either way at 95 %.
const BIAS_SD: f64 = 0.35;
/// Scale of Student's t noise with 5 degrees of freedom: 26 % from migration to migration.
const NOISE: f64 = 0.195;

/// What one method says for the next migration, against what happened.
struct Judged {
    /// Share of the intervals of 50, 80 and 95 % that held.
    held: [f64; 3],
    /// Median factor by which the 95 % interval reaches up and down.
    factor: f64,
}

fn outcome(log_ratio: f64) -> Outcome {
    outcome_of(StepKind::Backfill, log_ratio)
}

fn outcome_of(kind: StepKind, log_ratio: f64) -> Outcome {
    let predicted = Predicted {
        point_seconds: 100.0,
        intervals: Vec::new(),
    };
    let actual = 100.0 * log_ratio.exp();
    Outcome::bare(kind, predicted, actual, "2026-05-31T14:30:00Z".to_string())
}

/// Learns from `pairs` outcomes of each team and predicts the next; the bias takes a random step of `drift` after each.
fn judge(pairs: usize, drift: f64) -> Judged {
    let mut generator = generator(1000 + pairs as u64);
    let (mut held, mut factors) = ([0.0; 3], Vec::new());
    for _ in 0..TEAMS {
        let mut bias = BIAS_SD * standard_normal(&mut generator);
        let mut next = || {
            bias += drift * standard_normal(&mut generator);
            bias + NOISE * standard_student(&mut generator, 5.0)
        };
        let history: Vec<Outcome> = (0..pairs).map(|_| outcome(next())).collect();
        let shift = Transfer::learn(&history, 0).expect("outcomes").shift(None);
        let actual = next();
        for (held, level) in held.iter_mut().zip([0.5, 0.8, 0.95]) {
            *held += f64::from(u8::from(holds(shift, level, actual))) / TEAMS as f64;
        }
        factors.push(shift.factor_at(0.95));
    }
    factors.sort_by(f64::total_cmp);
    let factor = quantile(&factors, 0.5);
    println!("{pairs:>2} outcomes, drift {drift}: held {held:.3?}, ×/÷ {factor:.2}");
    Judged { held, factor }
}

fn holds(shift: Shift, level: f64, log_ratio: f64) -> bool {
    let reach = two_sided_factor(level, shift.degrees_of_freedom) * shift.standard_deviation;
    (log_ratio - shift.mean).abs() <= reach
}

fn check(pairs: usize, drift: f64, widest: f64) {
    let judged = judge(pairs, drift);
    // Two standard errors of a share of 95 % among 2,000 are 1 percentage point.
    assert!((0.925..=0.975).contains(&judged.held[2]), "95 %: {:?}", judged.held);
    assert!((0.76..=0.90).contains(&judged.held[1]), "80 %: {:?}", judged.held);
    assert!((0.46..=0.68).contains(&judged.held[0]), "50 %: {:?}", judged.held);
    // Nobody who knew the bias could be narrower than 2.571 * 0.195: a factor of 1.65.
    assert!((1.5..=widest).contains(&judged.factor), "×/÷ {}", judged.factor);
}

#[test]
fn few_outcomes_are_enough_for_a_promise() {
    check(3, 0.0, 1.95);
    check(5, 0.0, 1.85);
    check(10, 0.0, 1.80);
}

#[test]
fn many_outcomes_keep_it_although_no_distribution_is_assumed() {
    check(20, 0.0, 1.90);
    check(40, 0.0, 1.85);
}

#[test]
fn a_slow_drift_breaks_nothing() {
    check(80, 0.02, 1.90);
}

#[test]
fn kinds_that_differ_are_told_apart() {
    let (mut generator, mut held, mut narrower) = (generator(5), 0, 0);
    for team in 0..TEAMS {
        let biases = [0.5, -0.3].map(|centre| centre + 0.1 * standard_normal(&mut generator));
        let mut next = |which: usize| biases[which] + NOISE * standard_student(&mut generator, 5.0);
        let kinds = [StepKind::Backfill, StepKind::IndexBuild];
        let history: Vec<Outcome> = (0..30)
            .map(|index| outcome_of(kinds[index % 2], next(index % 2)))
            .collect();
        let which = team as usize % 2;
        let transfer = Transfer::learn(&history, 0).expect("outcomes");
        let (own, common) = (transfer.shift(Some(kinds[which])), transfer.shift(None));
        held += usize::from(holds(own, 0.95, next(which)));
        narrower += usize::from(own.factor_at(0.95) < common.factor_at(0.95));
    }
    let (held, narrower) = (held as f64 / TEAMS as f64, narrower as f64 / TEAMS as f64);
    println!("two kinds: held {held:.3}, narrower than their mixture {narrower:.3}");
    assert!((0.925..=0.985).contains(&held), "{held}");
    assert!(narrower > 0.95, "{narrower}");
}

#[test]
fn without_outcomes_the_prior_is_wide_enough() {
    let mut generator = generator(7);
    let reach = prior_factor(0.95).ln();
    let next = |_| {
        let bias = BIAS_SD * standard_normal(&mut generator);
        bias + NOISE * standard_student(&mut generator, 5.0)
    };
    let held = (0..TEAMS)
        .map(next)
        .filter(|log_ratio: &f64| log_ratio.abs() <= reach)
        .count();
    assert!(held as f64 > 0.985 * TEAMS as f64, "{held} of {TEAMS}");
}
