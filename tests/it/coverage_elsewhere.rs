//! The intervals also hold where the mechanisms are not the model's own, and better than a fixed factor does.

use migtime::rehearsal::batches::segments::{Amount, ReplayDesign};
use migtime::stats::interval::Interval;

use crate::other_simulator::{MECHANISMS, Mechanism, OtherDatabase};
use crate::predictions::{Outcome, coverage, half_width, mean_score, median_error, outcome, print_row};
use crate::simulated_replay::{Simulated, estimated, replayed};

/// Number of batches of a walk, and how many of them are replayed (15 %).
const BATCHES: usize = 1600;
const BUDGET: u64 = 240;
/// Number of series of each mechanism.
const SERIES: u64 = 20;

#[test]
fn intervals_hold_where_the_mechanisms_are_others() {
    let (ours, fixed): (Vec<Outcome>, Vec<Outcome>) = each_series().into_iter().unzip();
    let per_class = SERIES as usize;
    for (number, mechanism) in MECHANISMS.iter().enumerate() {
        let class = number * per_class..(number + 1) * per_class;
        print_row(&format!("{mechanism:?}"), &ours[class.clone()]);
        print_row(&format!("{mechanism:?}, ×/÷ 1.5"), &fixed[class.clone()]);
        // Credits that run out after the replay are seen by nothing that is measured.
        if !matches!(mechanism, Mechanism::BurstCredits | Mechanism::Everything) {
            assert!(coverage(&ours[class], 2) >= 0.90, "{mechanism:?}");
        }
    }
    print_row("all", &ours);
    print_row("all, ×/÷ 1.5 around the mean of segments", &fixed);
    let held = [0, 1, 2].map(|level| coverage(&ours, level));
    assert!(held[2] >= 0.92 && (0.78..=0.90).contains(&held[1]), "held {held:?}");
    assert!(half_width(&ours) < 0.32, "half width {}", half_width(&ours));
    assert!(median_error(&ours) < 0.085, "median error {}", median_error(&ours));
    let (score, of_fixed) = (mean_score(&ours), mean_score(&fixed));
    assert!(
        score < 1.0 && score < 0.9 * of_fixed,
        "score {score}, of a fixed factor {of_fixed}"
    );
}

/// Runs every mechanism and seed on two threads, and returns our outcome and that of a fixed factor, in order.
fn each_series() -> Vec<(Outcome, Outcome)> {
    let series: Vec<(Mechanism, u64)> = MECHANISMS
        .iter()
        .enumerate()
        .flat_map(|(class, mechanism)| (0..SERIES).map(move |seed| (*mechanism, class as u64 * 1000 + seed)))
        .collect();
    let (front, back) = series.split_at(series.len() / 2);
    let run = |part: &[(Mechanism, u64)]| part.iter().map(|one| one_series(*one)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| run(front));
        let second = run(back);
        let mut results = first.join().expect("no series panics");
        results.extend(second);
        results
    })
}

fn one_series((mechanism, seed): (Mechanism, u64)) -> (Outcome, Outcome) {
    let mut database = OtherDatabase::new(mechanism, BATCHES, seed);
    let actual = database.whole_run_seconds(seed + 1_000_000);
    let design = ReplayDesign::new(Amount::Batches(BUDGET), BATCHES as f64, seed);
    let step = replayed(&mut database, &design, None);
    let settled = step.observations.iter().filter(|one| !one.warm_up);
    let (seconds, rows) = settled.fold((0.0, 0.0), |(seconds, rows), one| {
        (seconds + one.seconds, rows + one.rows as f64)
    });
    let point = seconds / rows * database.total_rows();
    // The same interval at all levels: only that of 95 % is compared.
    let interval = Interval {
        lower_bound: point / 1.5,
        upper_bound: point * 1.5,
    };
    let fixed = Outcome {
        intervals: [interval; 3],
        point,
        actual,
    };
    (outcome(&estimated(step, &database), actual), fixed)
}
