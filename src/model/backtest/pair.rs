//! A pair of prediction and outcome, and the CSV file of pairs.

use serde::{Deserialize, Serialize};

use super::plan::Design;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::observation::values::MOST_SECONDS;

/// Whether migtime gave a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It promises it.
    Promised,
    /// Only when asked for it (`--provisional`).
    Provisional,
    /// None at all: too little evidence (exit code 5), or the rehearsal failed (4).
    Refused,
}

/// A pair of prediction and outcome: a line of the file. All times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Name of its family.
    pub family: String,
    /// Whether the family judges; the others fit constants.
    pub judging: bool,
    /// How it was predicted.
    pub design: Design,
    /// Number of the pair in its family and design, from 1.
    pub run: u32,
    /// Seed of its data and of the rehearsal.
    pub seed: u64,
    /// Rows of the table in production.
    pub rows: u64,
    /// Version of migtime that predicted.
    pub version: String,
    /// Version of the server, as a number: 150018 is 15.18.
    pub server: u32,
    /// Whether the whole run came before the rehearsal.
    pub whole_run_first: bool,
    /// Load average of the last minute before the pair, where the system tells it.
    pub load_before: Option<f64>,
    /// Share of the work that was replayed, 0 to 1.
    pub share_replayed: Option<f64>,
    /// How long the rehearsal took, its copy included.
    pub replay_seconds: f64,
    /// Whether migtime gave a number.
    pub status: Status,
    /// Why it does not promise one; empty if it does.
    pub reason: String,
    /// Median of the prediction; this and the bounds are empty if it was refused.
    pub predicted: Option<f64>,
    /// Lower end of the 50 % interval.
    pub lower_50: Option<f64>,
    /// Upper end of the 50 % interval.
    pub upper_50: Option<f64>,
    /// Lower end of the 80 % interval.
    pub lower_80: Option<f64>,
    /// Upper end of the 80 % interval.
    pub upper_80: Option<f64>,
    /// Lower end of the 95 % interval.
    pub lower_95: Option<f64>,
    /// Upper end of the 95 % interval.
    pub upper_95: Option<f64>,
    /// How long the whole of it took, by a plain loop on another copy.
    pub actual: f64,
    /// Baseline: the mean of the replayed segments times all batches.
    pub segment_mean: Option<f64>,
    /// Baseline: the first 15 % of the whole run, in proportion.
    pub linear: Option<f64>,
    /// Its standard error, as if batches were independent.
    pub linear_error: Option<f64>,
    /// Degrees of freedom of that error.
    pub linear_degrees: Option<f64>,
    /// Baseline: the first 15 % of the whole run, the rest at its last rate.
    pub last_rate: Option<f64>,
}

impl Pair {
    /// Returns the prediction and its bounds at [`super::LEVELS`]; `None` if it was refused.
    pub fn prediction(&self) -> Option<(f64, [(f64, f64); 3])> {
        let bounds = [
            self.lower_50.zip(self.upper_50)?,
            self.lower_80.zip(self.upper_80)?,
            self.lower_95.zip(self.upper_95)?,
        ];
        Some((self.predicted?, bounds))
    }

    /// Returns every time with the name of its column.
    fn times(&self) -> [(&'static str, Option<f64>); 13] {
        [
            ("replay_seconds", Some(self.replay_seconds)),
            ("predicted", self.predicted),
            ("lower_50", self.lower_50),
            ("upper_50", self.upper_50),
            ("lower_80", self.lower_80),
            ("upper_80", self.upper_80),
            ("lower_95", self.lower_95),
            ("upper_95", self.upper_95),
            ("actual", Some(self.actual)),
            ("segment_mean", self.segment_mean),
            ("linear", self.linear),
            ("linear_error", self.linear_error),
            ("last_rate", self.last_rate),
        ]
    }

    /// Returns why the numbers cannot be those of a pair.
    fn contradiction(&self) -> Option<String> {
        let may_be_zero = ["replay_seconds", "linear_error"];
        for (name, seconds) in self.times() {
            let Some(seconds) = seconds else { continue };
            let zero_is_fine = may_be_zero.contains(&name) || name.starts_with("lower");
            if !(0.0..=MOST_SECONDS).contains(&seconds) || (seconds == 0.0 && !zero_is_fine) {
                return Some(format!("{name} is no duration: {seconds}"));
            }
        }
        match (self.prediction(), self.status) {
            (None, Status::Refused) => None,
            (Some(_), Status::Refused) => Some("it is refused, but has a prediction".to_string()),
            (None, _) => Some("it has no prediction, or not all its bounds".to_string()),
            (Some((point, [(a, b), (c, d), (e, f)])), _) => {
                let ordered = [e, c, a, point, b, d, f].windows(2).all(|two| two[0] <= two[1]);
                (!ordered).then(|| "the bounds of its intervals are not in order".to_string())
            }
        }
    }
}

/// Returns the pairs as a CSV file, with a header.
pub fn pairs_to_csv(pairs: &[Pair]) -> Vec<u8> {
    const IN_MEMORY: &str = "a CSV file in memory takes every pair";
    let mut writer = csv::Writer::from_writer(Vec::new());
    for pair in pairs {
        writer.serialize(pair).expect(IN_MEMORY);
    }
    writer.into_inner().expect(IN_MEMORY)
}

/// Reads a CSV file of pairs; `name` is the file's in error messages.
///
/// # Errors
/// `Usage`, with the line, for what is no pair, contradicts itself or another line, or when there is none.
pub fn pairs_from_csv(text: &str, name: &str) -> Result<Vec<Pair>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| unreadable(&error, name))?.clone();
    let mut pairs: Vec<Pair> = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| unreadable(&error, name))?
    {
        let line = record.position().map_or(1, |position| position.line() as usize);
        let refused = |message: String| {
            let location = Location::line(Some(name), line);
            Error::at(ErrorKind::Usage, location, message).with_hint("`migtime backtest` writes such a file")
        };
        let pair: Pair = record
            .deserialize(Some(&headers))
            .map_err(|error| refused(in_words(&error, &headers)))?;
        if let Some(why) = pair.contradiction() {
            return Err(refused(why));
        }
        for earlier in pairs.iter().filter(|earlier| earlier.family == pair.family) {
            if earlier.judging != pair.judging {
                return Err(refused(format!(
                    "{} judges on one line, but not on another",
                    pair.family
                )));
            }
            if (earlier.design, earlier.run) == (pair.design, pair.run) {
                let (family, design) = (&pair.family, pair.design.name());
                return Err(refused(format!(
                    "pair {} of {family}, {design}, is there twice",
                    pair.run
                )));
            }
        }
        pairs.push(pair);
    }
    if pairs.is_empty() {
        return Err(Error::new(ErrorKind::Usage, format!("{name} holds no pair"))
            .with_hint("`migtime backtest` writes such a file"));
    }
    Ok(pairs)
}

fn unreadable(error: &csv::Error, name: &str) -> Error {
    let line = error.position().map_or(1, |position| position.line() as usize);
    Error::at(
        ErrorKind::Usage,
        Location::line(Some(name), line),
        in_words(error, &csv::StringRecord::new()),
    )
    .with_hint("`migtime backtest` writes such a file")
}

/// Says in words what the CSV reader refuses, with the name of the column where one is meant.
fn in_words(error: &csv::Error, headers: &csv::StringRecord) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields instead of {expected_len}")
        }
        csv::ErrorKind::Deserialize { err, .. } => match err.field().and_then(|field| headers.get(field as usize)) {
            Some(column) => format!("{column}: {}", err.kind()),
            None => err.kind().to_string(),
        },
        _ => "not a line of a CSV file".to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns a pair with intervals of ×/÷ 1.05, 1.1 and 1.2 around `predicted`.
    pub fn pair(family: &str, judging: bool, predicted: f64, actual: f64) -> Pair {
        let [low, high] = [
            |factor: f64, point: f64| Some(point / factor),
            |factor, point| Some(point * factor),
        ];
        Pair {
            family: family.to_string(),
            judging,
            design: Design::Whole,
            run: 1,
            seed: 7,
            rows: 1000,
            version: "0.1.0".to_string(),
            server: 150_018,
            whole_run_first: false,
            load_before: Some(0.5),
            share_replayed: Some(1.0),
            replay_seconds: 3.0,
            status: Status::Promised,
            reason: String::new(),
            predicted: Some(predicted),
            lower_50: low(1.05, predicted),
            upper_50: high(1.05, predicted),
            lower_80: low(1.1, predicted),
            upper_80: high(1.1, predicted),
            lower_95: low(1.2, predicted),
            upper_95: high(1.2, predicted),
            actual,
            segment_mean: Some(predicted),
            linear: Some(0.9 * actual),
            linear_error: Some(0.02 * actual),
            linear_degrees: Some(149.0),
            last_rate: Some(0.95 * actual),
        }
    }

    fn check_refused(text: &str, expected: &str) {
        let error = pairs_from_csv(text, "b.csv").expect_err(expected);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Usage, expected));
        assert!(error.hint().is_some());
    }

    fn written(pairs: &[Pair]) -> String {
        String::from_utf8(pairs_to_csv(pairs)).expect("text")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut refused = pair("b, \"quoted\"", false, 5.0, 5.0);
        refused.status = Status::Refused;
        refused.reason = "too few batches; see, \"there\"".to_string();
        refused.predicted = None;
        (refused.lower_50, refused.load_before, refused.linear_error) = (None, None, None);
        let pairs = [pair("a", true, 4.0, 4.1), refused];
        assert_eq!(pairs_from_csv(&written(&pairs), "b.csv").expect("readable"), pairs);
    }

    #[test]
    fn what_is_no_pair_is_refused_with_its_line() {
        let fine = pair("a", true, 4.0, 4.1);
        let with = |change: &dyn Fn(&mut Pair)| {
            let mut changed = pair("b", true, 4.0, 4.1);
            change(&mut changed);
            written(&[fine.clone(), changed])
        };
        check_refused("", "b.csv holds no pair");
        check_refused("a,b\n1\n", "b.csv:2: 1 fields instead of 2");
        check_refused("a,b\n1,2\n", "b.csv:2: missing field `family`");
        check_refused(
            &written(std::slice::from_ref(&fine)).replace(",4.1,", ",four,"),
            "b.csv:2: actual: invalid float literal",
        );
        check_refused(&with(&|pair| pair.actual = 0.0), "b.csv:3: actual is no duration: 0");
        check_refused(
            &with(&|pair| pair.actual = f64::NAN),
            "b.csv:3: actual is no duration: NaN",
        );
        check_refused(
            &with(&|pair| pair.upper_50 = Some(3.0)),
            "b.csv:3: the bounds of its intervals are not in order",
        );
        check_refused(
            &with(&|pair| pair.upper_80 = None),
            "b.csv:3: it has no prediction, or not all its bounds",
        );
        check_refused(
            &with(&|pair| pair.status = Status::Refused),
            "b.csv:3: it is refused, but has a prediction",
        );
        check_refused(
            &with(&|pair| pair.family = "a".to_string()),
            "b.csv:3: pair 1 of a, whole, is there twice",
        );
        let differs = with(&|pair| (pair.family, pair.judging, pair.run) = ("a".to_string(), false, 2));
        check_refused(&differs, "b.csv:3: a judges on one line, but not on another");
    }
}
