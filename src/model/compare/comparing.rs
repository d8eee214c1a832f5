//! Pairs the files of two sides and judges each pair.

use super::comparison::{ChangeVerdict, Comparison, Judgement, StepChange, StepName};
use super::judge::Judged;
use super::options::{ALPHA, CompareOptions, POWER};
use super::sample::Sample;
use super::{judge, likeness, sample};
use crate::error::{Error, ErrorKind, Result};
use crate::observation::{FORMAT_VERSION, Rehearsal};

/// A rehearsal or benchmark with the name that pairs it with its counterpart.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedRehearsal {
    /// The scenario's name, or the migration's.
    pub name: String,
    /// What was measured.
    pub rehearsal: Rehearsal,
}

/// Compares the entries of `base` and `new` that have the same name; if there is one of each, their names need not
/// match.
///
/// A regression is reported when the p-value of the exact permutation test over the runs, after Holm's correction over
/// all judgements, is at most [`ALPHA`] and the slowdown is at least the margin. The files of a duet are judged by
/// Student's t over their pairs of segments.
///
/// # Errors
/// `Usage` when the two sides have no name in common, a name occurs twice on one side, or the margin or level is out of
/// range.
pub fn compare(base: &[NamedRehearsal], new: &[NamedRehearsal], options: &CompareOptions) -> Result<Comparison> {
    check_options(options)?;
    check_names(base, "BASE")?;
    check_names(new, "NEW")?;
    let pairs = pairs(base, new);
    if pairs.is_empty() {
        return Err(
            Error::new(ErrorKind::Usage, "BASE and NEW have nothing in common").with_hint(format!(
                "BASE has {}; NEW has {}",
                listed(base.iter()),
                listed(new.iter())
            )),
        );
    }
    let questions: Vec<Question> = pairs
        .iter()
        .flat_map(|(base, new)| questions(base, new, options))
        .collect();
    let samples: Vec<Result<&Sample, &str>> = questions
        .iter()
        .map(|question| question.sample.as_ref().map_err(String::as_str))
        .collect();
    let judged = judge::judge(&samples, options);
    let judgements: Vec<Judgement> = questions
        .iter()
        .zip(judged)
        .map(|(question, judged)| question.answered(judged, options))
        .collect();
    let verdict = judgements.iter().map(|judgement| judgement.verdict).max();
    let is_in = |named: &NamedRehearsal, side: fn(&(&NamedRehearsal, &NamedRehearsal)) -> String| {
        pairs.iter().any(|pair| side(pair) == named.name)
    };
    Ok(Comparison {
        kind: "comparison".to_string(),
        format_version: FORMAT_VERSION,
        verdict: verdict.unwrap_or(ChangeVerdict::NotComparable),
        margin: options.margin,
        alpha: ALPHA,
        power: POWER,
        level: options.level,
        seed: options.seed,
        only_in_base: names_without(base, |named| is_in(named, |(base, _)| base.name.clone())),
        only_in_new: names_without(new, |named| is_in(named, |(_, new)| new.name.clone())),
        judgements,
    })
}

/// One thing to be judged, with the information reported next to the verdict.
struct Question<'a> {
    name: &'a str,
    migration: &'a str,
    step: Option<StepName>,
    sample: Result<Sample, String>,
    steps: Vec<(StepName, Sample)>,
    warnings: Vec<String>,
}

impl Question<'_> {
    fn answered(&self, judged: Judged, options: &CompareOptions) -> Judgement {
        let steps = self.steps.iter().map(|(name, sample)| {
            let (base, new) = sample.sides();
            StepChange {
                step: name.clone(),
                base_seconds: base.mean_seconds,
                new_seconds: new.mean_seconds,
                ratio: sample
                    .difference()
                    .map(|difference| judge::ratio(&difference, options.level)),
            }
        });
        Judgement {
            name: self.name.to_string(),
            migration: self.migration.to_string(),
            step: self.step.clone(),
            verdict: judged.verdict,
            reason: judged.reason,
            in_pairs: matches!(self.sample, Ok(Sample::Pairs { .. })),
            base: judged.base,
            new: judged.new,
            ratio: judged.ratio,
            relative_sd: judged.relative_sd,
            minimum_detectable: judged.minimum_detectable,
            p_value: judged.p_value,
            adjusted_p_value: judged.adjusted_p_value,
            steps: steps.collect(),
            warnings: self.warnings.clone(),
        }
    }
}

/// Returns the questions to be judged for one pair of files.
fn questions<'a>(base: &'a NamedRehearsal, new: &'a NamedRehearsal, options: &CompareOptions) -> Vec<Question<'a>> {
    let name = base.name.as_str();
    let question = |step, sample, steps| Question {
        name,
        migration: &new.rehearsal.migration,
        step,
        sample,
        steps,
        warnings: likeness::differences(&base.rehearsal, &new.rehearsal),
    };
    let (base, new) = (&base.rehearsal, &new.rehearsal);
    if let Err(reason) = likeness::check(base, new) {
        return vec![question(None, Err(reason), Vec::new())];
    }
    let each = sample::of_steps(base, new);
    match each {
        Ok(each) if options.each_step => each
            .into_iter()
            .map(|(name, sample)| question(Some(name), sample, Vec::new()))
            .collect(),
        Err(reason) if options.each_step => vec![question(None, Err(reason), Vec::new())],
        each => {
            let whole = sample::of_whole(base, new);
            let described: Vec<(StepName, Sample)> = each
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(name, sample)| Some((name, sample.ok()?)))
                .collect();
            let in_pairs = matches!(whole, Ok(Sample::Pairs { .. }));
            let told = if described.len() > 1 && !in_pairs {
                described
            } else {
                Vec::new()
            };
            vec![question(None, whole, told)]
        }
    }
}

fn pairs<'a>(base: &'a [NamedRehearsal], new: &'a [NamedRehearsal]) -> Vec<(&'a NamedRehearsal, &'a NamedRehearsal)> {
    if let ([base], [new]) = (base, new) {
        return vec![(base, new)];
    }
    base.iter()
        .filter_map(|base| Some((base, new.iter().find(|new| new.name == base.name)?)))
        .collect()
}

fn names_without(all: &[NamedRehearsal], is_paired: impl Fn(&NamedRehearsal) -> bool) -> Vec<String> {
    let left = all.iter().filter(|named| !is_paired(named));
    left.map(|named| named.name.clone()).collect()
}

fn listed<'a>(all: impl Iterator<Item = &'a NamedRehearsal>) -> String {
    let names: Vec<&str> = all.map(|named| named.name.as_str()).collect();
    if names.is_empty() {
        "nothing".to_string()
    } else {
        names.join(", ")
    }
}

fn check_options(options: &CompareOptions) -> Result<()> {
    let CompareOptions { margin, level, .. } = options;
    if !((0.0..f64::INFINITY).contains(margin) && (0.5..1.0).contains(level)) {
        let message = format!("a margin of {margin} at level {level} cannot be judged");
        return Err(Error::new(ErrorKind::Usage, message).with_hint("0.05 at 0.95 is usual"));
    }
    Ok(())
}

fn check_names(side: &[NamedRehearsal], label: &str) -> Result<()> {
    let twice = side
        .iter()
        .enumerate()
        .find(|(index, named)| side[..*index].iter().any(|earlier| earlier.name == named.name));
    match twice {
        Some((_, named)) => Err(Error::new(
            ErrorKind::Usage,
            format!("{label} holds two measurements of {}", named.name),
        )
        .with_hint("name the file that is meant, or a directory with one of them")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
