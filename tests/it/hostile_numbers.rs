//! No number in a file, on the command line or in a configuration makes the program panic or print an invalid number.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use migtime::error::ErrorKind;
use migtime::model::compare::{self, CompareOptions, NamedRehearsal};
use migtime::model::estimate::Estimate;
use migtime::model::{self, EstimateOptions};
use migtime::observation::{
    Benchmark, DiskRecord, FailedAttempt, LadderRecord, Reapplication, Rehearsal, RollbackRecord, RunRecord, Rung,
    Target, WaitRecord,
};
use migtime::report::ci::{Document, job_summary, of_rehearsal};
use migtime::report::{self};
use migtime::stats::random::generator;
use migtime::units::{Bytes, Seconds};
use rand::seq::IndexedRandom;
use serde_json::Value;

use crate::{report_fixture, support};

/// Values that no clock, server or person gives, in the form in which they would be in the file.
const ABSURD: [&str; 8] = [
    "1e308",
    "-1e308",
    "1e999",
    "-1",
    "4294967296",
    "9223372036854775808",
    "18446744073709551615",
    "1.5e300",
];

/// Values that are valid in some fields: the limits of ranges, and very small numbers.
const ODD: [&str; 8] = [
    "0",
    "1e-300",
    "0.5",
    "1",
    "100",
    "4294967295",
    "1000000000",
    "1000000000000000",
];

/// Number of observations kept per step: enough for an estimate, few enough to compute it hundreds of times.
const BATCHES: usize = 25;

/// Returns a rehearsal in which every field of the file is set.
pub fn full() -> Rehearsal {
    let mut rehearsal = report_fixture::rehearsal();
    for step in &mut rehearsal.steps {
        step.observations.truncate(BATCHES);
        step.disk = Some(DiskRecord {
            before_bytes: 1 << 30,
            after_bytes: 1 << 31,
            peak_temporary_bytes: 1 << 20,
            temporary_file_bytes: Some(1 << 10),
        });
        step.waits = vec![WaitRecord {
            waiting_for: "Lock: relation".to_string(),
            seconds: 0.2,
        }];
        step.failed_attempts = vec![FailedAttempt {
            error: "deadlock detected".to_string(),
            seconds: 1.5,
            invalid_indexes: Vec::new(),
        }];
        for observation in &mut step.observations {
            observation.waited_seconds = Some(0.01);
        }
        for lock in &mut step.locks {
            lock.sampled_every_seconds = Some(0.05);
        }
    }
    rehearsal.steps[2].ladder = Some(ladder());
    rehearsal.events.truncate(2);
    rehearsal.targets = rehearsal.steps.iter().map(|_| Some(target())).collect();
    rehearsal.free_disk_bytes = Some(1 << 40);
    rehearsal.benchmark = Some(Benchmark {
        scenario: "orders".to_string(),
        rows: Some(6_000_000),
        runs: vec![RunRecord::default()],
        ..Benchmark::default()
    });
    rehearsal.rollback = Some(RollbackRecord {
        file: "rollback.sql".to_string(),
        steps: rehearsal.steps.clone(),
        events: rehearsal.events.clone(),
        after_part_of: vec![2],
        ended: rehearsal.ended.clone(),
        // A complete rollback; otherwise its report would show a failure whatever the numbers.
        differences: Some(Vec::new()),
        reapplied: rehearsal.ended.clone().map(|ended| Reapplication {
            ended,
            differences: Some(Vec::new()),
        }),
        ..RollbackRecord::default()
    });
    rehearsal
}

fn ladder() -> LadderRecord {
    let rung = |fraction: f64| Rung {
        fraction,
        rows: (6e6 * fraction) as u64,
        seconds: 9.7 * fraction,
        wal_bytes: (1e8 * fraction) as u64,
        maintenance_work_mem_bytes: 64 << 20,
    };
    LadderRecord {
        empty_seconds: 0.01,
        maintenance_work_mem_bytes: 64 << 20,
        rungs: vec![rung(0.25), rung(0.5), rung(1.0)],
    }
}

fn target() -> Target {
    Target {
        rows: 2e7,
        rows_relative_sd: 0.05,
        batches: Some(4000.0),
        table_rows: Some(2e7),
    }
}

/// Collects the positions of numbers as JSON pointers; of the fields in a list, those of its first and last element.
fn numbers(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(place.to_string()),
        Value::Object(fields) => {
            for (field, value) in fields {
                numbers(value, &format!("{place}/{field}"), found);
            }
        }
        Value::Array(values) => {
            let ends = [0, values.len().saturating_sub(1)];
            for index in &ends[..values.len().min(2)] {
                numbers(&values[*index], &format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Returns the file with the number at `place` replaced.
fn replaced(file: &Value, place: &str, number: &str) -> String {
    let mut changed = file.clone();
    *changed.pointer_mut(place).expect("a place") = Value::from("@");
    changed.to_string().replacen("\"@\"", number, 1)
}

/// Reads the file and, if it is valid, renders everything; returns whether it was valid.
fn check(text: &str, what: &str) -> bool {
    let read = catch_unwind(AssertUnwindSafe(|| Rehearsal::from_json(text, "r.json")));
    let rehearsal = match read.unwrap_or_else(|_| panic!("reading {what} panics")) {
        Ok(rehearsal) => rehearsal,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Usage, "{what}");
            assert!(error.message().starts_with("r.json"), "{what}: {error}");
            return false;
        }
    };
    let made = catch_unwind(AssertUnwindSafe(|| reports(&rehearsal)));
    for report in made.unwrap_or_else(|_| panic!("a report of {what} panics")) {
        let mut words = report.split(|character: char| !character.is_ascii_alphanumeric());
        let no_number = words.find(|word| ["NaN", "inf"].contains(word));
        assert_eq!(no_number, None, "a report of {what}");
    }
    true
}

fn reports(rehearsal: &Rehearsal) -> Vec<String> {
    let options = EstimateOptions {
        provisional: true,
        window: Some(Seconds(1800.0)),
        free_disk: Some(Bytes(1 << 33)),
        ..EstimateOptions::default()
    };
    let named = [NamedRehearsal {
        name: "orders".to_string(),
        rehearsal: rehearsal.clone(),
    }];
    let mut made = Vec::new();
    if let Ok(comparison) = compare::compare(&named, &named, &CompareOptions::default()) {
        made.push(report::comparison_markdown(&comparison));
    }
    let Ok(estimate) = model::estimate(rehearsal, &rehearsal.targets, &options) else {
        return made;
    };
    let json = estimate.to_json();
    serde_json::from_str::<Estimate>(&json).expect("an estimate reads back");
    let verdicts = [of_rehearsal(rehearsal, &estimate, &str::to_string)];
    made.extend(Document::ALL.map(|document| document.render(&verdicts)));
    let bytes = |csv: Vec<u8>| String::from_utf8(csv).expect("text");
    made.extend([
        json,
        job_summary(&verdicts, "here"),
        report::html(rehearsal, &estimate),
        report::markdown(rehearsal, &estimate),
        report::terminal(rehearsal, &estimate, 100, false),
        bytes(report::observations_csv(rehearsal)),
        bytes(report::steps_csv(rehearsal, &estimate)),
    ]);
    made
}

/// Replaces each number of the file by `drawn` of `values`; returns the number of valid files.
fn check_each(values: &[&str], drawn: usize) -> usize {
    let file = serde_json::from_str::<Value>(&full().to_json()).expect("JSON");
    let mut places = Vec::new();
    numbers(&file, "", &mut places);
    assert!(places.len() > 100, "{}", places.len());
    let mut generator = generator(1);
    let mut taken = 0;
    for place in &places {
        for number in values.sample(&mut generator, drawn) {
            taken += usize::from(check(&replaced(&file, place, number), &format!("{place} = {number}")));
        }
    }
    taken
}

#[test]
fn the_file_is_taken_as_it_is() {
    assert!(check(&full().to_json(), "the file"));
}

#[test]
fn an_absurd_number_is_refused_or_does_no_harm() {
    // Seeds may have any value, and free disk may be the 64-bit maximum.
    let taken = check_each(&ABSURD, ABSURD.len());
    assert!(taken < 60, "{taken} absurd files were taken");
}

#[test]
fn an_odd_number_does_no_harm() {
    assert!(check_each(&ODD, 2) > 100);
}

#[test]
fn the_field_is_named() {
    let file = serde_json::from_str::<Value>(&full().to_json()).expect("JSON");
    for (place, number, expected) in [
        (
            "/steps/1/observations/17/seconds",
            "1e308",
            "r.json: steps[1].observations[17].seconds: 1e+308 is not between 0 and 1000000000 seconds",
        ),
        (
            "/targets/0/rows_relative_sd",
            "1e9",
            "r.json: targets[0].rows_relative_sd: 1000000000.0 is not between 0 and 10 times the value",
        ),
        (
            "/rollback/steps/1/batching/total_batches",
            "-1",
            "r.json: rollback.steps[1].batching.total_batches: -1 is not between 0 and 1000000000000000 batches",
        ),
    ] {
        let error = Rehearsal::from_json(&replaced(&file, place, number), "r.json").expect_err(place);
        assert_eq!(error.message(), expected);
    }
}

#[test]
fn a_batch_log_may_say_anything() {
    for number in ABSURD.iter().chain(&ODD) {
        for column in 0..5 {
            let mut text = "rows,seconds,position,elapsed,segment\n".to_string();
            for batch in 0..40 {
                let mut cells = ["10", "0.1", "0.5", "1", "0"];
                if batch == 20 {
                    cells[column] = number;
                }
                text += &format!("{}\n", cells.join(","));
            }
            for total_rows in [1e6, 1e15, f64::MAX, u64::MAX as f64] {
                let what = format!("{number} in column {column} of {total_rows} rows");
                let read = catch_unwind(|| model::batch_log::read(&text, "log.csv", total_rows));
                match read.unwrap_or_else(|_| panic!("reading {what} panics")) {
                    Ok(rehearsal) => assert!(check(&rehearsal.to_json(), &what), "{what}"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Usage, "{what}"),
                }
            }
        }
    }
}

fn check_ends(directory: &Path, arguments: &[&str]) {
    let mut command = support::migtime(arguments);
    let output = command.current_dir(directory).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(!shown.contains("NaN"), "{arguments:?}: {shown}");
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 2 | 5)),
        "{arguments:?}: {said}"
    );
}

#[test]
fn arguments_may_be_any_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = "rows,seconds\n".to_string() + &"10,0.1\n".repeat(40);
    std::fs::write(directory.path().join("log.csv"), log).expect("written");
    std::fs::write(directory.path().join("m.sql"), "UPDATE orders SET a = 1;\n").expect("written");
    std::fs::write(directory.path().join("r.json"), full().to_json()).expect("written");
    // Control for the refusals below: these arguments themselves are valid.
    let mut command = support::migtime(&[
        "report",
        "r.json",
        "--output",
        "out",
        "--provisional",
        "--window",
        "30m",
    ]);
    let output = command.current_dir(directory.path()).output().expect("it runs");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for number in ABSURD.iter().chain(&ODD) {
        let with = |unit: &str| format!("{number}{unit}");
        for option in ["--window", "--budget", "--free-disk", "--level"] {
            for unit in ["", "s", "years", "GB", "PB"] {
                check_ends(
                    directory.path(),
                    &["report", "r.json", "--output", "out", option, &with(unit)],
                );
            }
        }
        check_ends(
            directory.path(),
            &["estimate", "--batches", "log.csv", "--rows", number],
        );
        check_ends(
            directory.path(),
            &["compare", "r.json", "r.json", "--margin", &with("%")],
        );
        check_ends(directory.path(), &["bench", "none", "--minutes", number]);
        check_ends(directory.path(), &["backtest", "--family", "none", "--minutes", number]);
        check_ends(directory.path(), &["backtest", "--list", "--scale", number]);
        check_ends(directory.path(), &["plan", "m.sql", "--batch-size", number]);
        let gate = format!("AccessExclusiveLock={number}s");
        check_ends(
            directory.path(),
            &["report", "r.json", "--output", "out", "--deny", &gate],
        );
    }
}
