//! The verdicts as sentences, and ratios as changes in per cent.

use crate::model::compare::{ChangeVerdict, Comparison, Judgement, Ratio};
use crate::report::words::percent;

/// Returns the whole comparison in one sentence.
pub fn comparison_answer(comparison: &Comparison) -> String {
    let names = |verdict| -> Vec<String> { comparison.with(verdict).map(name).collect() };
    let of_all = match comparison.judgements.len() {
        1 => String::new(),
        count => format!(" of {count}"),
    };
    let told = |what: &str, names: &[String]| format!("{what} in {}{of_all}: {}.", names.len(), names.join(", "));
    let regressions = names(ChangeVerdict::Regression);
    let unjudged = [names(ChangeVerdict::TooFewRuns), names(ChangeVerdict::NotComparable)].concat();
    let improvements = names(ChangeVerdict::Improvement);
    match (comparison.judgements.as_slice(), comparison.verdict) {
        ([one], _) => format!("{}.", capitalised(&sentence(one, comparison))),
        (_, ChangeVerdict::Regression) => told("Regression", &regressions),
        (_, ChangeVerdict::NotComparable | ChangeVerdict::TooFewRuns) => told("No verdict", &unjudged),
        _ if !improvements.is_empty() => format!("No regression. {}", told("Improvement", &improvements)),
        _ => format!("No difference seen in {}.", comparison.judgements.len()),
    }
}

/// Returns the verdict on one migration or step in words, without a full stop.
pub fn sentence(judgement: &Judgement, comparison: &Comparison) -> String {
    let name = name(judgement);
    let reason = judgement.reason.as_deref().unwrap_or("nothing was measured");
    let effect = judgement.ratio.map_or(String::new(), |ratio| {
        format!(
            "{} ({} interval {})",
            change(ratio.point),
            percent(comparison.level),
            change_interval(ratio)
        )
    });
    let unseen = judgement.minimum_detectable.map_or(String::new(), |smallest| {
        format!("; could not have seen less than {}", change(smallest))
    });
    match judgement.verdict {
        ChangeVerdict::Regression => format!("regression: {name} takes longer by {effect}{unseen}"),
        ChangeVerdict::Improvement => format!("improvement: {name} takes less time, {effect}{unseen}"),
        ChangeVerdict::NoDifferenceSeen => format!("no difference seen: {name} {effect}{unseen}"),
        ChangeVerdict::TooFewRuns => format!("too few runs: {name}: {reason}"),
        ChangeVerdict::NotComparable => format!("not comparable: {name}: {reason}"),
    }
}

/// Returns a description of how the verdicts are made.
pub fn method(comparison: &Comparison) -> String {
    let in_pairs = comparison.judgements.iter().any(|judgement| judgement.in_pairs);
    let test = if in_pairs {
        "Student's t over pairs of segments"
    } else {
        "the exact permutation test over runs"
    };
    let several = match comparison.judgements.len() {
        1 => String::new(),
        count => format!(", by Holm over {count}"),
    };
    format!(
        "A regression is a slowdown of at least {} with p up to {} ({test}{several}). A slowdown below \"unseen\" is \
         called with less than {} probability.",
        percent(comparison.margin),
        percent(comparison.alpha),
        percent(comparison.power)
    )
}

/// Returns hints on what to do next.
pub fn hints(comparison: &Comparison) -> Vec<String> {
    let mut hints = Vec::new();
    let told = |words: &str| {
        let mut all = comparison.judgements.iter().flat_map(|judgement| &judgement.warnings);
        all.any(|warning| warning.contains(words))
    };
    if told("one after the other") {
        hints.push(
            "`migtime bench BASE_FOLDER NEW_FOLDER` runs both in turns; `migtime compare --duet BASE.sql NEW.sql` does \
             it for two migrations"
                .to_string(),
        );
    }
    if comparison.with(ChangeVerdict::TooFewRuns).next().is_some() {
        hints.push("run each more often: --runs of `migtime bench` and of `migtime rehearse`".to_string());
    }
    hints
}

/// Returns the name of what was judged.
pub fn name(judgement: &Judgement) -> String {
    match &judgement.step {
        Some(step) => format!("{} step {}", judgement.name, step.number),
        None => judgement.name.clone(),
    }
}

/// Returns a ratio as a change, with its sign: `+31 %`, `−4.2 %`.
pub fn change(ratio: f64) -> String {
    let percent = 100.0 * (ratio - 1.0);
    match ratio {
        ratio if ratio >= 999.5 => return "over ×1000".to_string(),
        ratio if percent >= 899.5 => return format!("×{ratio:.0}"),
        _ => {}
    }
    let digits = if percent.abs() < 9.95 { 1 } else { 0 };
    let number = format!("{:.digits$}", percent.abs());
    match (percent < 0.0, number.trim_matches(['0', '.']).is_empty()) {
        (_, true) => "±0 %".to_string(),
        (true, _) => format!("−{number} %"),
        (false, _) => format!("+{number} %"),
    }
}

/// Returns the interval of a ratio as changes.
pub fn change_interval(ratio: Ratio) -> String {
    format!("{} to {}", change(ratio.lower), change(ratio.upper))
}

/// Returns a p-value in per cent.
pub fn p_value(p: f64) -> String {
    match p {
        p if p < 0.0005 => "< 0.1 %".to_string(),
        p if p < 0.0995 => format!("{:.1} %", 100.0 * p),
        p => format!("{:.0} %", 100.0 * p),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
