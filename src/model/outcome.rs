//! What was predicted and how long it then took on production: one line of a history, and its format.
//!
//! A line stands alone, so that a history can be appended to by several people, merged line by line, and sorted. Both
//! predictions are kept: the one that was shown, which is judged, and the one of the rehearsal alone, from which later
//! estimates learn.

use serde::{Deserialize, Serialize};

use super::estimate::{Basis, Estimate, Interval, Predicted, TargetKind};
use super::saved;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::StepKind;
use crate::observation::FORMAT_VERSION;
use crate::observation::values::MOST_SECONDS;
use crate::stats::distribution::two_sided_factor;

/// The kind that a line states.
const KIND: &str = "outcome";
/// The version of a program that nobody noted.
const UNKNOWN: &str = "unknown";

/// A prediction and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Always `outcome`.
    pub kind: String,
    /// Version of this format.
    pub format_version: u32,
    /// When it was recorded, or when the migration ran if that was stated: RFC 3339, UTC.
    pub recorded_at: String,
    /// Version of the program that made the estimate, or `unknown`.
    pub migtime_version: String,
    /// File name of the migration, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<String>,
    /// The step, if the outcome is that of one step alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// Start of the rehearsal, RFC 3339, UTC, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsed_at: Option<String>,
    /// `server_version_num` of the rehearsal's server, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version_num: Option<u32>,
    /// The database that was estimated for, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetKind>,
    /// The evidence behind the prediction.
    pub basis: Basis,
    /// Whether the evidence was too thin to promise the intervals.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
    /// The kinds of the steps, with their shares of the predicted time.
    pub steps: Vec<StepShare>,
    /// The prediction as it was shown.
    pub predicted: Predicted,
    /// The prediction of the rehearsal alone, if earlier outcomes had changed the one that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_clone: Option<Predicted>,
    /// How long it took on production, in seconds.
    pub actual_seconds: f64,
}

/// A kind of step, and its share of the predicted time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepShare {
    /// The kind.
    pub kind: StepKind,
    /// Its share, 0 to 1.
    pub share: f64,
}

impl Outcome {
    /// Returns the outcome of a step of an unknown migration: `predicted` and `actual_seconds` are all that is known.
    pub fn bare(kind: StepKind, predicted: Predicted, actual_seconds: f64, recorded_at: String) -> Outcome {
        Outcome {
            kind: KIND.to_string(),
            format_version: FORMAT_VERSION,
            recorded_at,
            migtime_version: UNKNOWN.to_string(),
            migration: None,
            step: None,
            rehearsed_at: None,
            server_version_num: None,
            target: None,
            basis: Basis::Rehearsal,
            provisional: false,
            steps: vec![StepShare { kind, share: 1.0 }],
            predicted,
            on_clone: None,
            actual_seconds,
        }
    }

    /// Returns the outcome of an estimated migration, or of its step with the number `step`.
    ///
    /// # Errors
    /// `Usage` when the estimate has no such step.
    pub fn of_estimate(estimate: &Estimate, step: Option<u32>, actual_seconds: f64, now: String) -> Result<Outcome> {
        let (steps, predicted, on_clone, basis) = match step {
            None => {
                let predicted = Predicted {
                    point_seconds: estimate.total.point_seconds,
                    intervals: estimate.total.intervals.clone(),
                };
                let on_clone = estimate.learned.as_ref().map(|learned| learned.on_clone.clone());
                (shares(estimate), predicted, on_clone, estimate.basis)
            }
            Some(number) => {
                let step = estimate.steps.iter().find(|step| step.number == number);
                let step = step.ok_or_else(|| no_such_step(number, estimate))?;
                let predicted = Predicted {
                    point_seconds: step.point_seconds,
                    intervals: step.intervals.clone(),
                };
                let (kind, share) = (step.kind, 1.0);
                (
                    vec![StepShare { kind, share }],
                    predicted,
                    step.on_clone.clone(),
                    step.basis,
                )
            }
        };
        let origin = estimate.origin.as_ref();
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Ok(Outcome {
            steps,
            on_clone,
            basis,
            step,
            provisional: estimate.provisional,
            migration: origin.and_then(|origin| known(&origin.migration)),
            rehearsed_at: origin.and_then(|origin| known(&origin.rehearsed_at)),
            server_version_num: origin
                .map(|origin| origin.server_version_num)
                .filter(|number| *number > 0),
            target: origin.map(|origin| origin.target),
            migtime_version: origin.map_or(UNKNOWN.to_string(), |origin| origin.migtime_version.clone()),
            ..Outcome::bare(StepKind::Unclassified, predicted, actual_seconds, now)
        })
    }

    /// Reads a line of a history; `place` is its file and number, in error messages.
    ///
    /// # Errors
    /// `Usage` when the line is no outcome, is damaged, has another format, or holds a number that nothing measures.
    pub fn from_line(line: &str, place: &str) -> Result<Outcome> {
        if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
            .iter()
            .any(|mark| line.starts_with(mark))
        {
            let message = format!("{place} is left from a merge");
            return Err(Error::new(ErrorKind::Usage, message).with_hint(
                "keep the outcomes of both sides; migtime-history.jsonl merge=union in .gitattributes does",
            ));
        }
        let outcome: Outcome = saved::read(line, place, KIND)?;
        outcome.check(place)?;
        Ok(outcome)
    }

    /// Returns the line of a history, with its line break.
    pub fn to_line(&self) -> String {
        let line = serde_json::to_string(self).expect("an outcome holds only what JSON can hold");
        line + "\n"
    }

    /// Checks that each number is one that can have been predicted or measured, and that the date is one.
    ///
    /// # Errors
    /// `Usage` with `place` and the field.
    pub fn check(&self, place: &str) -> Result<()> {
        let refuse = |what: String| Err(Error::new(ErrorKind::Usage, format!("{place}: {what}")));
        let is_duration = |seconds: f64| seconds > 0.0 && seconds <= MOST_SECONDS;
        if !is_duration(self.actual_seconds) {
            return refuse(format!("actual_seconds {} is no duration", self.actual_seconds));
        }
        for predicted in std::iter::once(&self.predicted).chain(&self.on_clone) {
            if !is_duration(predicted.point_seconds) {
                return refuse(format!("point_seconds {} is no duration", predicted.point_seconds));
            }
            for interval in &predicted.intervals {
                let holds = interval.level > 0.0 && interval.level < 1.0 && interval.upper_seconds.is_finite();
                if !(holds && interval.lower_seconds > 0.0 && interval.lower_seconds <= interval.upper_seconds) {
                    let (lower, upper) = (interval.lower_seconds, interval.upper_seconds);
                    return refuse(format!(
                        "{lower} to {upper} is no interval at the level {}",
                        interval.level
                    ));
                }
            }
        }
        if let Some(share) = self.steps.iter().find(|step| !(0.0..=1.0).contains(&step.share)) {
            return refuse(format!("share {} is not between 0 and 1", share.share));
        }
        match humantime::parse_rfc3339(&self.recorded_at) {
            Ok(_) => Ok(()),
            Err(_) => refuse(format!(
                "recorded_at \"{}\" is no date like 2026-05-31T14:30:00Z",
                self.recorded_at
            )),
        }
    }

    /// Returns whether another line is of the same run: of the same rehearsal with the same duration, even if it was
    /// estimated again meanwhile; or the same in all but its date, which matters only where it is `dated`, stated as
    /// the time of the run.
    pub fn is_of_the_same_run(&self, other: &Outcome, dated: bool) -> bool {
        let rehearsal = |outcome: &Outcome| {
            let rehearsed_at = outcome.rehearsed_at.clone()?;
            Some((rehearsed_at, outcome.migration.clone(), outcome.step))
        };
        if rehearsal(self).is_some() && rehearsal(self) == rehearsal(other) {
            return self.actual_seconds == other.actual_seconds;
        }
        let undated = Outcome {
            recorded_at: self.recorded_at.clone(),
            ..other.clone()
        };
        *self == if dated { other.clone() } else { undated }
    }

    /// Returns why nothing is learned from it, or `None` if it counts.
    pub fn why_not_counted(&self) -> Option<&'static str> {
        match (self.basis, self.target) {
            (Basis::RuleOfThumb, _) => Some("rule of thumb"),
            (_, Some(TargetKind::Throwaway)) => Some("throwaway server"),
            _ if self.provisional => Some("provisional"),
            _ => None,
        }
    }

    /// Returns the kind of step that takes at least half of the predicted time, if one does.
    pub fn main_kind(&self) -> Option<StepKind> {
        self.steps.iter().find(|step| step.share >= 0.5).map(|step| step.kind)
    }

    /// Returns the prediction of the rehearsal alone.
    pub fn by_rehearsal(&self) -> &Predicted {
        self.on_clone.as_ref().unwrap_or(&self.predicted)
    }

    /// Returns ln(actual/predicted), for the prediction of the rehearsal alone.
    pub fn log_ratio(&self) -> f64 {
        (self.actual_seconds / self.by_rehearsal().point_seconds).ln()
    }
}

impl Predicted {
    /// Returns the interval at `level`, if there is one.
    pub fn at(&self, level: f64) -> Option<Interval> {
        let mut intervals = self.intervals.iter();
        intervals
            .find(|interval| (interval.level - level).abs() < 1e-9)
            .copied()
    }

    /// Returns the variance of the logarithm, read from the 95 % interval as if it were a normal distribution's; `None`
    /// without that interval.
    pub fn log_variance(&self) -> Option<f64> {
        let interval = self.at(0.95)?;
        let width = (interval.upper_seconds / interval.lower_seconds).ln();
        Some((width / (2.0 * two_sided_factor(0.95, f64::INFINITY))).powi(2)).filter(|variance| variance.is_finite())
    }
}

/// Returns each kind of step once, with its share of the predicted time, in the order of the steps.
fn shares(estimate: &Estimate) -> Vec<StepShare> {
    let whole: f64 = estimate.steps.iter().map(|step| step.point_seconds).sum();
    let mut shares: Vec<StepShare> = Vec::new();
    for step in &estimate.steps {
        let share = if whole > 0.0 { step.point_seconds / whole } else { 0.0 };
        match shares.iter_mut().find(|known| known.kind == step.kind) {
            Some(known) => known.share = (known.share + share).min(1.0),
            None => shares.push(StepShare { kind: step.kind, share }),
        }
    }
    shares
}

fn no_such_step(number: u32, estimate: &Estimate) -> Error {
    let numbers: Vec<String> = estimate.steps.iter().map(|step| step.number.to_string()).collect();
    Error::new(ErrorKind::Usage, format!("the estimate has no step {number}"))
        .with_hint(format!("its steps are {}", numbers.join(", ")))
}
