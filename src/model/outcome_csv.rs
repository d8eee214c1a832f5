//! Many outcomes at once, from CSV text: of saved estimates, or of predictions whose numbers are all that is known.
//!
//! Two headers are read: `estimate,actual[,step]`, where `actual` is a duration like `34m`, and
//! `kind,predicted_seconds,actual_seconds[,lower_95,upper_95,recorded_at,migration]`. Other columns are ignored, so
//! that `migtime history --format csv` can be read as well.

use super::estimate::{Interval, Predicted};
use super::outcome::Outcome;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::migration::StepKind;
use crate::units::{Seconds, parse_duration};

/// A line of the file.
pub enum Line {
    /// The outcome of a saved estimate, which is to be read.
    OfEstimate {
        /// The estimate, or the directory that holds it, as written.
        path: String,
        /// The step, if it is that of one step alone.
        step: Option<u32>,
        /// How long it took.
        actual: Seconds,
    },
    /// A prediction with its outcome.
    Bare {
        /// Both.
        outcome: Box<Outcome>,
        /// Whether the line states when it was.
        dated: bool,
    },
}

/// Reads the lines, each with its place; `name` is the name of the file, and `now` the time of undated lines.
///
/// # Errors
/// `Usage`, with the number of the line, for a value that is missing or cannot be; also when there is no line at all.
pub fn read(text: &str, name: &str, now: &str) -> Result<Vec<(String, Line)>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| unreadable(name, &error))?.clone();
    let has = |wanted: &str| column(&header, wanted).is_some();
    let of_estimates = has("estimate") && has("actual");
    if !of_estimates && !["kind", "predicted_seconds", "actual_seconds"].into_iter().all(has) {
        return Err(usage(format!("{name}:1: the header is of no known form")).with_hint(HEADERS));
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(name, &error))?;
        let number = record.position().map_or(0, |position| position.line());
        let cells = Cells {
            header: &header,
            record: &record,
            place: format!("{name}:{number}"),
        };
        let line = if of_estimates {
            cells.of_estimate()?
        } else {
            cells.bare(now)?
        };
        lines.push((cells.place, line));
    }
    if lines.is_empty() {
        return Err(usage(format!("{name} holds no outcome")).with_hint("each line after the header is one outcome"));
    }
    Ok(lines)
}

const HEADERS: &str = "it is estimate,actual[,step] or \
                       kind,predicted_seconds,actual_seconds[,lower_95,upper_95,recorded_at,migration]";

struct Cells<'a> {
    header: &'a csv::StringRecord,
    record: &'a csv::StringRecord,
    place: String,
}

impl Cells<'_> {
    fn of_estimate(&self) -> Result<Line> {
        let step = match self.optional("step") {
            None => None,
            Some(text) => {
                let number: Option<u32> = text.parse().ok().filter(|number| *number > 0);
                Some(number.ok_or_else(|| self.refused("step", text, "the number of a step"))?)
            }
        };
        let actual = self.required("actual")?;
        Ok(Line::OfEstimate {
            path: self.required("estimate")?.to_string(),
            step,
            actual: parse_duration(actual)
                .map_err(|_| self.refused("actual", actual, "a duration like 90s, 34m or 1h 20m"))?,
        })
    }

    fn bare(&self, now: &str) -> Result<Line> {
        let intervals = match (self.optional_number("lower_95")?, self.optional_number("upper_95")?) {
            (Some(lower_seconds), Some(upper_seconds)) => vec![Interval {
                level: 0.95,
                lower_seconds,
                upper_seconds,
            }],
            (None, None) => Vec::new(),
            _ => {
                return Err(usage(format!(
                    "{}: one of lower_95 and upper_95 is missing",
                    self.place
                )));
            }
        };
        let predicted = Predicted {
            point_seconds: self.number("predicted_seconds")?,
            intervals,
        };
        let stated = self.optional("recorded_at");
        let recorded_at = stated.map_or_else(|| now.to_string(), with_time);
        let actual = self.number("actual_seconds")?;
        let mut outcome = Outcome::bare(self.kind()?, predicted, actual, recorded_at);
        outcome.migration = self.optional("migration").map(str::to_string);
        outcome.check(&self.place)?;
        Ok(Line::Bare {
            outcome: Box::new(outcome),
            dated: stated.is_some(),
        })
    }

    /// Returns the kind; where several share the time, the cell is empty.
    fn kind(&self) -> Result<StepKind> {
        let Some(name) = self.optional("kind") else {
            return Ok(StepKind::Unclassified);
        };
        let kinds = "backfill, dml, index-build, table-rewrite, table-scan, catalog-only or unclassified";
        serde_json::from_value(serde_json::Value::from(name)).map_err(|_| self.refused("kind", name, kinds))
    }

    fn optional(&self, name: &str) -> Option<&str> {
        let text = self.record.get(column(self.header, name)?)?;
        Some(text).filter(|text| !text.is_empty())
    }

    fn required(&self, name: &str) -> Result<&str> {
        self.optional(name)
            .ok_or_else(|| usage(format!("{}: {name} is missing", self.place)))
    }

    fn optional_number(&self, name: &str) -> Result<Option<f64>> {
        let read = |text: &str| {
            let number: Option<f64> = text.parse().ok();
            number.ok_or_else(|| self.refused(name, text, "a number of seconds"))
        };
        self.optional(name).map(read).transpose()
    }

    fn number(&self, name: &str) -> Result<f64> {
        self.required(name)?;
        self.optional_number(name).map(Option::unwrap_or_default)
    }

    fn refused(&self, name: &str, text: &str, expected: &str) -> Error {
        usage(format!("{}: {name} \"{text}\" is not {expected}", self.place))
    }
}

fn column(header: &csv::StringRecord, wanted: &str) -> Option<usize> {
    header
        .iter()
        .position(|column| column.trim_start_matches('\u{feff}') == wanted)
}

/// Returns a date with a time: a day alone means its beginning.
fn with_time(date: &str) -> String {
    if date.len() == "2026-05-31".len() {
        format!("{date}T00:00:00Z")
    } else {
        date.to_string()
    }
}

fn usage(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
}

fn unreadable(name: &str, error: &csv::Error) -> Error {
    let line = error.position().map_or(1, |position| position.line());
    let location = Location::line(Some(name), line as usize);
    Error::at(ErrorKind::Usage, location, "not readable as CSV").with_hint(HEADERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-05-31T14:30:00Z";

    fn check_refused(text: &str, expected: &str) {
        let error = read(text, "o.csv", NOW).err().expect("must be refused");
        assert_eq!(error.message(), expected);
    }

    #[test]
    fn both_headers_are_read() {
        let lines = read("estimate,actual,step\nreports/a,34m,2\nb.json,90s,\n", "o.csv", NOW).expect("lines");
        assert!(
            matches!(&lines[0], (place, Line::OfEstimate { path, step: Some(2), actual })
            if place == "o.csv:2" && path == "reports/a" && *actual == Seconds(2040.0))
        );
        assert!(matches!(&lines[1].1, Line::OfEstimate { step: None, .. }));
        let text = "kind,predicted_seconds,actual_seconds,lower_95,upper_95,recorded_at,note\n\
                    backfill,100,120,80,125,2026-05-01,x\nindex-build,10,9.5,,,,\n";
        let lines = read(text, "o.csv", NOW).expect("lines");
        let (
            Line::Bare {
                outcome: first,
                dated: true,
            },
            Line::Bare {
                outcome: second,
                dated: false,
            },
        ) = (&lines[0].1, &lines[1].1)
        else {
            panic!("one is dated, the other is not");
        };
        assert_eq!(
            (first.recorded_at.as_str(), first.main_kind()),
            ("2026-05-01T00:00:00Z", Some(StepKind::Backfill))
        );
        assert_eq!(first.predicted.at(0.95).expect("an interval").upper_seconds, 125.0);
        assert_eq!((second.recorded_at.as_str(), second.actual_seconds), (NOW, 9.5));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        check_refused("", "o.csv:1: the header is of no known form");
        check_refused("estimate,actual\n", "o.csv holds no outcome");
        check_refused(
            "estimate,actual\na,34\n",
            "o.csv:2: actual \"34\" is not a duration like 90s, 34m or 1h 20m",
        );
        check_refused("estimate,actual\n,34m\n", "o.csv:2: estimate is missing");
        check_refused(
            "estimate,actual,step\na,34m,0\n",
            "o.csv:2: step \"0\" is not the number of a step",
        );
        let bare =
            |line: &str| format!("kind,predicted_seconds,actual_seconds,lower_95,upper_95,recorded_at\n{line}\n");
        check_refused(
            &bare("dml,x,1"),
            "o.csv:2: predicted_seconds \"x\" is not a number of seconds",
        );
        check_refused(&bare("dml,NaN,1"), "o.csv:2: point_seconds NaN is no duration");
        check_refused(&bare("dml,1,-1"), "o.csv:2: actual_seconds -1 is no duration");
        check_refused(&bare("dml,1,1,2"), "o.csv:2: one of lower_95 and upper_95 is missing");
        check_refused(&bare("dml,1,1,2,1"), "o.csv:2: 2 to 1 is no interval at the level 0.95");
        check_refused(
            &bare("dml,1,1,,,yesterday"),
            "o.csv:2: recorded_at \"yesterday\" is no date like 2026-05-31T14:30:00Z",
        );
    }
}
