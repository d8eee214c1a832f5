//! Checks that apply to every result of hostile input: errors are one line that is safe to show, numbers are valid
//! numbers.
//!
//! Used, like the modules `fuzzed_*`, by the tests and by the fuzz targets in `fuzz/`.

use migtime::error::Error;
use migtime::model::estimate::{Estimate, Interval, Prediction, Rate, SizeInterval, StepEstimate, Total};
use migtime::shown::{is_steering, printable_line, without_secrets};

/// The password in the inputs of the corpora.
pub const SECRET: &str = "hunter2";

/// Tolerance for rounding in the sums and quantiles of an estimate.
const ROUNDING: f64 = 1e-9;

/// Checks that an error is one sentence, and returns it with its excerpt and its hint as the program shows them.
pub fn shown(error: &Error) -> String {
    let message = error.message();
    assert!(!message.trim().is_empty(), "an error says nothing");
    assert_ne!(error.hint().map(str::trim), Some(""), "a hint says nothing: {message}");
    let mut lines = vec![fit(message)];
    lines.extend(error.excerpt().unwrap_or_default().lines().map(fit));
    lines.extend(error.hint().map(fit));
    for line in &lines {
        assert!(!line.contains(is_steering), "{line:?} steers a terminal");
        assert!(!line.trim_start().starts_with("::"), "{line:?} commands a CI service");
    }
    lines.join("\n")
}

fn fit(line: &str) -> String {
    printable_line(&without_secrets(line))
}

/// Checks that every number is valid, that only sizes can be negative, and that every interval contains its value.
pub fn check_estimate(estimate: &Estimate) {
    check_total(&estimate.total);
    estimate.steps.iter().for_each(check_step);
    if let Some(storage) = &estimate.storage {
        for size in [&storage.wal, &storage.growth, &storage.peak] {
            check_size("of the whole migration", size);
        }
    }
    if let Some(back) = &estimate.rollback {
        back.total.iter().for_each(check_total);
        back.steps.iter().for_each(check_step);
    }
}

fn check_total(total: &Total) {
    check_intervals("the total", total.point_seconds, &total.intervals);
    for pair in total.percentiles.windows(2) {
        check_order("percentiles of the total", &[pair[0], pair[1]]);
    }
    if let Some(fits) = &total.fits_window {
        assert!((0.0..=1.0).contains(&fits.probability), "{fits:?}");
    }
}

fn check_step(step: &StepEstimate) {
    let name = format!("step {}", step.number);
    check_intervals(&name, step.point_seconds, &step.intervals);
    if let Some(Rate { point, lower, upper }) = step.rows_per_second {
        check_order(&format!("the rate of {name}"), &[0.0, lower, point, upper]);
    }
    for number in step.rows.into_iter().chain(step.wal_bytes) {
        check_order(&name, &[0.0, number]);
    }
    assert!(
        (0.0..=1.0 + ROUNDING).contains(&step.share_of_variance),
        "{name}: {step:?}"
    );
    let disk = step.disk.iter().flat_map(|disk| [&disk.growth, &disk.peak]);
    for size in step.wal_interval.iter().chain(disk) {
        check_size(&name, size);
    }
}

fn check_intervals(name: &str, point: f64, intervals: &[Interval]) {
    assert!(!intervals.is_empty(), "{name} has no interval");
    for interval in intervals {
        check_order(name, &[0.0, interval.lower_seconds, point, interval.upper_seconds]);
    }
}

/// Checks a size, which is negative for space that becomes free.
fn check_size(name: &str, size: &SizeInterval) {
    check_order(
        &format!("bytes of {name}"),
        &[size.lower_bytes, size.point_bytes, size.upper_bytes],
    );
}

/// Checks a prediction by rule of thumb.
pub fn check_prediction(name: &str, prediction: &Prediction) {
    let Prediction {
        point_seconds,
        lower_seconds,
        upper_seconds,
        ..
    } = *prediction;
    check_order(name, &[0.0, lower_seconds, point_seconds, upper_seconds]);
}

fn check_order(name: &str, ascending: &[f64]) {
    assert!(
        ascending.iter().all(|number| number.is_finite()),
        "{name}: {ascending:?}"
    );
    let in_order = |pair: &[f64]| pair[0] <= pair[1] + ROUNDING * pair[1].abs().max(1.0);
    assert!(ascending.windows(2).all(in_order), "{name}: {ascending:?}");
}

/// Checks that a report contains no NaN, unless `input` contains the word itself.
pub fn check_no_nan(report: &str, input: &str) {
    let has_none = |text: &str| !text.contains("NaN");
    assert!(has_none(report) || !has_none(input), "a report has a NaN: {report}");
}

/// Returns whether a text announces its secret only by `PASSWORD '…'`, so that no other word can be mistaken for the
/// announcement.
pub fn announces_secret(text: &str) -> bool {
    const ALSO_ANNOUNCE: [&str; 9] = [
        "passwd",
        "passphrase",
        "secret",
        "api_key",
        "access_key",
        "pwd",
        "program",
        "command",
        "://",
    ];
    let lower = text.to_ascii_lowercase();
    text.matches(SECRET).count() == 1
        && text.contains(&format!(" PASSWORD '{SECRET}'"))
        && lower.matches("password").count() == 1
        && !ALSO_ANNOUNCE.iter().any(|word| lower.contains(word))
}
