//! Any text as rehearsal.json is either refused with a one-line error, or estimated, compared with itself and shown in
//! every format.

use std::str::from_utf8;

use migtime::model::compare::{self, CompareOptions, NamedRehearsal};
use migtime::model::estimate::Estimate;
use migtime::model::{self, EstimateOptions};
use migtime::observation::Rehearsal;
use migtime::report;
use migtime::report::ci::{Document, job_summary, of_rehearsal};
use migtime::units::{Bytes, Seconds};

use crate::fuzzed::{check_estimate, check_no_nan, shown};

/// Reads a rehearsal.json, and uses it in every way that needs no database.
pub fn run(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    match Rehearsal::from_json(text, "r.json") {
        Ok(rehearsal) => {
            check_written(&rehearsal);
            check(&rehearsal);
        }
        Err(error) => assert!(shown(&error).starts_with("r.json"), "{error}"),
    }
}

/// Checks that a rehearsal is written and read back unchanged.
fn check_written(rehearsal: &Rehearsal) {
    let written = rehearsal.to_json();
    let again = Rehearsal::from_json(&written, "again.json").expect("what was written is read");
    assert!(again == *rehearsal, "another rehearsal: {written}");
    assert_eq!(again.to_json(), written);
}

/// Estimates, compares and shows a rehearsal.
pub fn check(rehearsal: &Rehearsal) {
    let input = rehearsal.to_json();
    assert!(model::measured_seconds(rehearsal).is_finite());
    check_compared(rehearsal);
    let strict = model::estimate(rehearsal, &rehearsal.targets, &EstimateOptions::default());
    let options = EstimateOptions {
        provisional: true,
        window: Some(Seconds(1800.0)),
        free_disk: Some(Bytes(1 << 33)),
        ..EstimateOptions::default()
    };
    match model::estimate(rehearsal, &rehearsal.targets, &options) {
        Ok(estimate) => {
            check_estimate(&estimate);
            for report in reports(rehearsal, &estimate) {
                check_no_nan(&report, &input);
            }
        }
        // If there is not even a provisional estimate, there must be no regular one either.
        Err(error) => {
            shown(&error);
            assert!(strict.is_err());
        }
    }
    if let Err(error) = strict {
        shown(&error);
    }
}

fn check_compared(rehearsal: &Rehearsal) {
    let named = [NamedRehearsal {
        name: "the same".to_string(),
        rehearsal: rehearsal.clone(),
    }];
    for each_step in [false, true] {
        let options = CompareOptions {
            each_step,
            ..CompareOptions::default()
        };
        match compare::compare(&named, &named, &options) {
            Ok(comparison) => {
                let found = comparison.verdict;
                assert_ne!(found, compare::ChangeVerdict::Regression, "slower than itself");
                comparison.to_json();
                report::comparison_terminal(&comparison, 100, true);
                report::comparison_markdown(&comparison);
                report::comparison_answer(&comparison);
                report::comparison_verdicts(&comparison, &str::to_string);
            }
            Err(error) => _ = shown(&error),
        }
    }
}

fn reports(rehearsal: &Rehearsal, estimate: &Estimate) -> Vec<String> {
    let json = estimate.to_json();
    let read = serde_json::from_str::<Estimate>(&json).expect("an estimate is read as it was written");
    assert!(read == *estimate, "another estimate: {json}");
    let verdicts = [of_rehearsal(rehearsal, estimate, &str::to_string)];
    let text = |csv: Vec<u8>| String::from_utf8(csv).expect("CSV is text");
    let mut made = vec![
        json,
        job_summary(&verdicts, "here"),
        report::html(rehearsal, estimate),
        report::markdown(rehearsal, estimate),
        report::terminal(rehearsal, estimate, 60, true),
        text(report::observations_csv(rehearsal)),
        text(report::steps_csv(rehearsal, estimate)),
    ];
    made.extend(Document::ALL.map(|document| document.render(&verdicts)));
    made
}
