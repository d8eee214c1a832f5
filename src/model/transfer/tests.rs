//! What outcomes say of the way to production, against NumPy.

use super::*;
use crate::model::estimate::{Interval, Predicted};

/// An outcome of a step predicted at 100 s with an interval of this half width on the log scale.
fn outcome(kind: StepKind, log_ratio: f64, half_width: f64) -> Outcome {
    let interval = Interval {
        level: 0.95,
        lower_seconds: 100.0 * (-half_width).exp(),
        upper_seconds: 100.0 * half_width.exp(),
    };
    let predicted = Predicted {
        point_seconds: 100.0,
        intervals: vec![interval],
    };
    Outcome::bare(
        kind,
        predicted,
        100.0 * log_ratio.exp(),
        "2026-05-31T14:30:00Z".to_string(),
    )
}

fn history(count: usize) -> Vec<Outcome> {
    let one = |index: usize| {
        let (kind, extra) = match index % 3 {
            0 => (StepKind::IndexBuild, 0.15),
            _ => (StepKind::Backfill, 0.0),
        };
        outcome(kind, 0.2 + 0.3 * (1.7 * index as f64).sin() + extra, 0.25)
    };
    (0..count).map(one).collect()
}

fn check(shift: Shift, mean: f64, standard_deviation: f64, degrees_of_freedom: f64) {
    let close = |actual: f64, expected: f64| (actual - expected).abs() < 1e-7;
    assert!(close(shift.mean, mean), "{shift:?}");
    assert!(close(shift.standard_deviation, standard_deviation), "{shift:?}");
    assert!(close(shift.degrees_of_freedom, degrees_of_freedom), "{shift:?}");
}

// numpy, with nig(p, z, a) the update of `stats::normal_inverse_gamma` and pe(b) = s*sqrt(1 + 1/k): a = .97**age;
// b = nig((0, .25, .25, 4), z, a) for all, or for a kind with 8: c = nig(.., z[others]); nig((c.m, min(c.k, 2), c.s,
// 4), z[own]); from 19 on: u = |z[j] - m without j|/pe(b without j); q = u[argsort][argmax(cumsum(a[argsort]) >=
// .95*(n + 1)/n*a.sum())]; t = scipy.stats.t.ppf(.975, v); pe(b)*(w*max(q, t/2) + (1 - w)*t)/t, w = n/(n + 20)
#[test]
fn factors_agree_with_numpy() {
    let factor = |count: usize, kind| Transfer::learn(&history(count), 0).expect("outcomes").shift(kind);
    let (all, backfill, index) = (None, Some(StepKind::Backfill), Some(StepKind::IndexBuild));
    check(factor(1, all), 0.28, 0.31435648553831363, 5.0);
    check(
        factor(7, backfill),
        0.26884098783156685,
        0.21636641665744086,
        10.400571840628999,
    );
    check(
        factor(12, backfill),
        0.23553715520883547,
        0.224736093124316,
        10.906575845259622,
    );
    check(
        factor(12, index),
        0.23690197840922253,
        0.2247458429525531,
        14.2052546334854,
    );
    check(
        factor(25, all),
        0.26184322770775004,
        0.2162224341795739,
        21.767509824854265,
    );
    check(
        factor(25, backfill),
        0.2524468076040123,
        0.21187418900368712,
        15.347691214044762,
    );
    check(
        factor(25, index),
        0.28588370419168024,
        0.205407597821899,
        10.4198186108095,
    );
    assert_eq!(factor(25, Some(StepKind::TableScan)), factor(25, all));
}

// exp(scipy.stats.t.ppf(.975, 4)*.25*sqrt(5))
#[test]
fn nothing_recorded_leaves_the_prior() {
    assert!((prior_factor(0.95) - 4.721280228892191).abs() < 1e-6);
    assert_eq!(Transfer::learn(&[], 150_000), None);
    let mut guessed = outcome(StepKind::Dml, 1.0, 0.3);
    guessed.basis = crate::model::estimate::Basis::RuleOfThumb;
    assert_eq!(Transfer::learn(&[guessed], 150_000), None);
}

#[test]
fn outcomes_of_another_major_version_count_half() {
    let mut other = outcome(StepKind::Backfill, 0.4, 0.25);
    other.server_version_num = Some(140_005);
    let factor = |version| {
        let transfer = Transfer::learn(std::slice::from_ref(&other), version).expect("an outcome");
        transfer.shift(None)
    };
    // numpy: .4*1/(.25 + 1) and .4*.5/(.25 + .5); v = 4 + 1 and 4 + .5
    for (version, mean, freedom) in [(140_011, 0.32, 5.0), (150_001, 0.4 * 0.5 / 0.75, 4.5), (0, 0.32, 5.0)] {
        let shift = factor(version);
        assert!((shift.mean - mean).abs() < 1e-12, "{version}: {shift:?}");
        assert_eq!(shift.degrees_of_freedom, freedom);
    }
}

#[test]
fn only_what_a_rehearsal_is_less_certain_than_the_others_is_added() {
    let transfer = Transfer::learn(&history(5), 0).expect("outcomes");
    let usual = (0.25f64 / 1.959963984540054).powi(2);
    assert_eq!(transfer.excess(0.5 * usual), 0.0);
    assert!((transfer.excess(3.0 * usual) - 2.0 * usual).abs() < 1e-9);
}

#[test]
fn every_kind_has_its_place() {
    assert_eq!(StepKind::Unclassified as usize + 1, KINDS);
}
