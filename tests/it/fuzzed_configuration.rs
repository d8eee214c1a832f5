//! Any text as migtime.toml is either refused with a one-line error and its position, or all its values can be used.

use std::str::from_utf8;

use migtime::cli::Configuration;
use migtime::report::ci::Gate;
use migtime::units::{parse_duration, parse_size};

use crate::fuzzed::shown;

/// Reads a migtime.toml, and each of its lines as a quantity and as a gate.
pub fn run(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    match Configuration::parse(text, "migtime.toml") {
        Ok(configuration) => check(&configuration),
        Err(error) => {
            let message = shown(&error);
            assert!(message.starts_with("migtime.toml"), "{message}");
            assert!(!error.message().contains('\n'), "{error}");
        }
    }
    for line in text.lines() {
        let outcomes = [
            parse_duration(line).map(|seconds| assert!(seconds.0.is_finite() && seconds.0 >= 0.0, "{line}")),
            parse_size(line).map(drop),
            Gate::parse(line).map(drop),
        ];
        for error in outcomes.into_iter().filter_map(Result::err) {
            shown(&error);
        }
    }
}

fn check(configuration: &Configuration) {
    let rehearsal = &configuration.rehearsal;
    assert!(rehearsal.level > 0.0 && rehearsal.level < 1.0, "{rehearsal:?}");
    assert!(rehearsal.runs >= 1, "{rehearsal:?}");
    let budget = &configuration.budget;
    let durations = [
        budget.window,
        budget.duration,
        Some(rehearsal.max_duration),
        Some(rehearsal.lock_timeout),
    ];
    for seconds in durations.into_iter().flatten() {
        let in_std = std::time::Duration::try_from_secs_f64(seconds.0);
        assert!(in_std.is_ok(), "{configuration:?}");
    }
    if let Some(regression) = &configuration.regression {
        assert!(
            regression.margin.is_finite() && regression.margin > 0.0,
            "{regression:?}"
        );
    }
}
