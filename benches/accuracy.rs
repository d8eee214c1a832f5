//! How often the estimate is right: every scenario is rehearsed in part and then run in full on a fresh copy.
//!
//! These are whole runs of a minute, not nanoseconds. No benchmark library fits, so this prints its own table. Each
//! pair of prediction and actual duration is written to `reports/accuracy/pairs.csv`. `ACCURACY_SEEDS` is the number of
//! times that each scenario is run (3), each time with other data and other places.

use std::path::Path;
use std::process::Command;

use migtime::model::estimate::{Estimate, interval_at};
use migtime::rehearsal::scenario::Scenario;
use migtime::stats::interval::wilson_interval;

const PAIRS: &str = "reports/accuracy/pairs.csv";
const LEVELS: [f64; 3] = [0.5, 0.8, 0.95];

/// One prediction and the actual duration.
struct Pair {
    scenario: String,
    seed: u64,
    estimate: Estimate,
    actual_seconds: f64,
}

fn main() {
    // `cargo test --benches` only checks that this compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let seeds: u64 = std::env::var("ACCURACY_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    let scenarios = Scenario::all(Path::new("scenarios")).expect("the scenarios are readable");
    let (mut pairs, mut refused) = (Vec::new(), 0);
    for seed in 1..=seeds {
        for scenario in &scenarios {
            let Some(pair) = play(scenario, seed) else {
                refused += 1;
                continue;
            };
            println!("{}", line(&pair));
            pairs.push(pair);
            save(&pairs);
        }
    }
    summarise(&pairs);
    println!("refused or failed: {refused} of {}", refused + pairs.len());
}

/// Runs a scenario; returns `None`, with a message on stderr, when the rehearsal failed or had too little evidence.
fn play(scenario: &Scenario, seed: u64) -> Option<Pair> {
    let output = tempfile::tempdir().expect("a temporary directory can be made");
    let status = Command::new(env!("CARGO_BIN_EXE_migtime"))
        .args(["demo", "--seed", &seed.to_string(), "--scenario"])
        .arg(&scenario.directory)
        .arg("--output")
        .arg(output.path())
        .stdout(std::process::Stdio::null())
        .status()
        .expect("the program starts");
    if !status.success() {
        eprintln!("{} with seed {seed}: no estimate ({status})", scenario.name());
        return None;
    }
    let text = std::fs::read_to_string(output.path().join("estimate.json")).expect("the estimate was saved");
    let estimate: Estimate = serde_json::from_str(&text).expect("the estimate is readable");
    let actual_seconds = estimate.actual_seconds?;
    Some(Pair {
        scenario: scenario.name(),
        seed,
        estimate,
        actual_seconds,
    })
}

fn line(pair: &Pair) -> String {
    let mut cells = vec![
        pair.scenario.clone(),
        pair.seed.to_string(),
        format!("{:.3}", pair.estimate.total.point_seconds),
    ];
    for level in LEVELS {
        let interval = interval_at(&pair.estimate.total.intervals, level);
        cells.push(format!("{:.3}", interval.lower_seconds));
        cells.push(format!("{:.3}", interval.upper_seconds));
    }
    cells.push(format!("{:.3}", pair.actual_seconds));
    cells.join(",")
}

fn save(pairs: &[Pair]) {
    let mut text =
        "scenario,seed,predicted_seconds,lower_50,upper_50,lower_80,upper_80,lower_95,upper_95,actual_seconds\n"
            .to_string();
    for pair in pairs {
        text.push_str(&line(pair));
        text.push('\n');
    }
    std::fs::create_dir_all("reports/accuracy").expect("the directory can be made");
    std::fs::write(PAIRS, text).expect("the pairs can be written");
}

fn summarise(pairs: &[Pair]) {
    for level in LEVELS {
        let held = pairs.iter().filter(|pair| {
            let interval = interval_at(&pair.estimate.total.intervals, level);
            (interval.lower_seconds..=interval.upper_seconds).contains(&pair.actual_seconds)
        });
        let held = held.count();
        let interval = wilson_interval(held as u64, pairs.len() as u64, 0.95);
        println!(
            "{:.0} % interval: held {held} of {} (95 % confidence {:.0} to {:.0} %)",
            100.0 * level,
            pairs.len(),
            100.0 * interval.lower_bound,
            100.0 * interval.upper_bound
        );
    }
    let mut errors: Vec<f64> = pairs
        .iter()
        .map(|pair| (pair.estimate.total.point_seconds / pair.actual_seconds - 1.0).abs())
        .collect();
    errors.sort_by(f64::total_cmp);
    let at = |share: f64| errors.get(((errors.len() as f64 * share) as usize).min(errors.len().saturating_sub(1)));
    if let (Some(median), Some(ninth)) = (at(0.5), at(0.9)) {
        println!(
            "error of the point estimate: median {:.1} %, nine in ten under {:.1} %",
            100.0 * median,
            100.0 * ninth
        );
    }
}
