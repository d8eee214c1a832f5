//! Turns a batch log from any other tool (CSV text) into a rehearsal.
//!
//! Works on text only. What the log does not contain (the server, the checkpoints) stays unknown, and the estimate says
//! so.

mod wall_clock;

use crate::catalog::facts::ServerFacts;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::migration::{RecognisedBy, StepKind, Walk};
use crate::observation::values::{MOST_ROWS, MOST_SECONDS};
use crate::observation::{BatchingRecord, Observation, Rehearsal, SHORTEST_SEGMENT, StepRecord, WARM_UP_BATCHES};

/// Indexes of the known columns in a line.
struct Columns {
    rows: usize,
    seconds: usize,
    position: Option<usize>,
    elapsed: Option<usize>,
    segment: Option<usize>,
}

/// Reads a log with a header `rows,seconds` and optionally `position` (0 to 1), `elapsed` (s) and `segment`.
///
/// `seconds` is the time from sending a batch to its commit, `elapsed` that from the beginning of the first batch to
/// the end of this one. With it, the seconds that are kept are those on the clock: pauses between the batches are
/// added, and time in which several ran is counted once. Other columns are ignored. `total_rows` is the number of rows
/// of the whole backfill, `name` the name of the file in error messages.
///
/// # Errors
/// `Usage`, with the line number, for a value that is missing, negative or not a number; also when there is no batch at
/// all.
pub fn read(text: &str, name: &str, total_rows: f64) -> Result<Rehearsal> {
    if !(total_rows > 0.0 && total_rows <= MOST_ROWS) {
        return Err(
            Error::new(ErrorKind::Usage, format!("{total_rows} rows cannot be backfilled"))
                .with_hint("pass the number of rows of the whole backfill"),
        );
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| unreadable(name, &error))?;
    let columns = Columns::find(header, name)?;
    let mut observations = Vec::new();
    let mut record = csv::StringRecord::new();
    let (mut rows, mut elapsed) = (0.0, 0.0);
    while reader
        .read_record(&mut record)
        .map_err(|error| unreadable(name, &error))?
    {
        let line = record.position().map_or(0, |position| position.line());
        let place = format!("{name}:{line}");
        let observation = columns.observation(&record, &place, rows / total_rows, elapsed)?;
        rows += observation.rows as f64;
        elapsed = observation.elapsed;
        observations.push(observation);
    }
    if observations.is_empty() {
        return Err(Error::new(ErrorKind::Usage, format!("{name} holds no batch"))
            .with_hint("each line after the header is one batch: rows,seconds"));
    }
    let mut pause = 0.0;
    if columns.elapsed.is_some() {
        pause = wall_clock::apply(&mut observations);
        let latest = observations.iter().map(|one| one.elapsed).fold(0.0, f64::max);
        if latest > MOST_SECONDS {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{name}: its elapsed seconds, counted on where they begin anew, are more than {MOST_SECONDS}"),
            ));
        }
    }
    if columns.segment.is_some() {
        mark_warm_up(&mut observations);
    }
    if rows > total_rows {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{name} holds {rows} rows, more than the {total_rows} of the whole backfill"),
        )
        .with_hint("--rows is the number of rows of the whole backfill, those of the log among them"));
    }
    let mut step = step_record(observations, rows, total_rows, name);
    step.notes.push(what_the_total_is(&columns).to_string());
    if let Some(batching) = &mut step.batching {
        batching.batch_delay_seconds = pause;
    }
    Ok(rehearsal(step, name))
}

/// Returns what the predicted total is, which depends on what the log tells.
fn what_the_total_is(columns: &Columns) -> &'static str {
    match columns.elapsed {
        Some(_) => {
            "the total is the time on the clock, from the beginning of the first batch to the end of the last, with \
             the pauses and the parallel workers that the log's column elapsed shows"
        }
        None => {
            "the total is the sum of the batches' seconds, one after the other: without a column elapsed, the log \
             shows neither pauses nor parallel workers"
        }
    }
}

impl Columns {
    fn find(header: &csv::StringRecord, name: &str) -> Result<Columns> {
        let find = |wanted: &str| {
            header
                .iter()
                .position(|column| column.trim_start_matches('\u{feff}') == wanted)
        };
        let required = |wanted: &str| {
            find(wanted).ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("{name}:1: no column \"{wanted}\""))
                    .with_hint("the header is rows,seconds and optionally position, elapsed, segment")
            })
        };
        Ok(Columns {
            rows: required("rows")?,
            seconds: required("seconds")?,
            position: find("position"),
            // `observations.csv` calls the column `elapsed_seconds`.
            elapsed: find("elapsed").or(find("elapsed_seconds")),
            segment: find("segment"),
        })
    }

    fn observation(&self, record: &csv::StringRecord, place: &str, done: f64, elapsed: f64) -> Result<Observation> {
        let rows = number(record, self.rows, "rows", place)?;
        let seconds = number(record, self.seconds, "seconds", place)?;
        let position = self
            .position
            .map(|column| number(record, column, "position", place))
            .transpose()?;
        if position.is_some_and(|position| position > 1.0) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{place}: position is not between 0 and 1"),
            ));
        }
        let end = self
            .elapsed
            .map(|column| number(record, column, "elapsed", place))
            .transpose()?;
        let segment = self
            .segment
            .map(|column| number(record, column, "segment", place))
            .transpose()?;
        Ok(Observation {
            run: 0,
            segment: whole(segment.unwrap_or(0.0), "segment", place)? as u32,
            rows: whole(rows, "rows", place)?,
            seconds,
            waited_seconds: None,
            wal_bytes: None,
            full_page_images: None,
            position: position.unwrap_or(done.min(1.0)),
            elapsed: end.unwrap_or(elapsed + seconds),
            warm_up: false,
        })
    }
}

fn number(record: &csv::StringRecord, column: usize, name: &str, place: &str) -> Result<f64> {
    let text = record.get(column).unwrap_or_default();
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Usage, format!("{place}: {name} is missing")));
    }
    let value: f64 = text
        .parse()
        .map_err(|_| Error::new(ErrorKind::Usage, format!("{place}: {name} \"{text}\" is not a number")))?;
    if !value.is_finite() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{place}: {name} \"{text}\" is not a finite number"),
        ));
    }
    if value < 0.0 {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{place}: {name} {text} is negative"),
        ));
    }
    // Rows, positions and segments are limited elsewhere; times need a limit here.
    if value > MOST_SECONDS && name != "rows" && name != "segment" {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{place}: {name} {text} is more than {MOST_SECONDS}"),
        ));
    }
    Ok(value)
}

fn whole(value: f64, name: &str, place: &str) -> Result<u64> {
    if value.fract() != 0.0 || value > u32::MAX as f64 {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{place}: {name} {value} is not a whole number in range"),
        ));
    }
    Ok(value as u64)
}

fn unreadable(name: &str, error: &csv::Error) -> Error {
    let line = error.position().map_or(1, |position| position.line());
    Error::at(
        ErrorKind::Usage,
        Location::line(Some(name), line as usize),
        "not readable as CSV",
    )
    .with_hint("the file is UTF-8 text with a header rows,seconds")
}

fn mark_warm_up(observations: &mut [Observation]) {
    for segment in observations.chunk_by_mut(|one, other| one.segment == other.segment) {
        if segment.len() >= SHORTEST_SEGMENT {
            segment[..WARM_UP_BATCHES]
                .iter_mut()
                .for_each(|observation| observation.warm_up = true);
        }
    }
}

fn rehearsal(step: StepRecord, name: &str) -> Rehearsal {
    Rehearsal {
        seed: 0,
        migration: name.to_string(),
        // No server was asked; version 0 means that checkpoints were not observed.
        server: ServerFacts::default(),
        steps: vec![step],
        ..Rehearsal::default()
    }
}

fn step_record(observations: Vec<Observation>, rows: f64, total_rows: f64, name: &str) -> StepRecord {
    let batches = observations.len() as f64;
    let batch_size = (rows / batches).round().max(1.0);
    StepRecord {
        number: 1,
        kind: StepKind::Backfill,
        statement: format!("the backfill logged in {name}"),
        line: 1,
        table: None,
        total_rows: Some(total_rows),
        total_rows_relative_sd: 0.0,
        batching: Some(BatchingRecord {
            walk: Walk::Rows,
            batch_size: batch_size as u64,
            total_batches: if rows > 0.0 {
                (batches * total_rows / rows).max(batches)
            } else {
                batches
            },
            batch_delay_seconds: 0.0,
            key: Vec::new(),
            recognised_by: RecognisedBy::Directive,
            lookup_seconds: 0.0,
            lookup_batches: 0,
        }),
        complete: rows >= 0.999 * total_rows,
        observations,
        ..StepRecord::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error(text: &str, expected: &str) {
        let error = read(text, "log.csv", 1e6).expect_err("must be refused");
        assert_eq!((error.kind(), error.message()), (ErrorKind::Usage, expected));
    }

    #[test]
    fn impossible_values_are_refused_with_their_line() {
        check_error("rows,seconds\n10,0.1\n10,-0.1\n", "log.csv:3: seconds -0.1 is negative");
        check_error("rows,seconds\n-1,0.1\n", "log.csv:2: rows -1 is negative");
        check_error(
            "rows,seconds\n10,NaN\n",
            "log.csv:2: seconds \"NaN\" is not a finite number",
        );
        check_error(
            "rows,seconds\n10,1e308\n",
            "log.csv:2: seconds 1e308 is more than 1000000000",
        );
        check_error("rows,seconds\n10,1s\n", "log.csv:2: seconds \"1s\" is not a number");
        check_error("rows,seconds\n10,\n", "log.csv:2: seconds is missing");
        check_error("rows,seconds\n10\n", "log.csv:2: seconds is missing");
        check_error(
            "rows,seconds\n1.5,1\n",
            "log.csv:2: rows 1.5 is not a whole number in range",
        );
        check_error(
            "rows,seconds,position\n5,1,2\n",
            "log.csv:2: position is not between 0 and 1",
        );
        check_error("rows,duration\n10,1\n", "log.csv:1: no column \"seconds\"");
        check_error("rows,seconds\n", "log.csv holds no batch");
        check_error("", "log.csv:1: no column \"rows\"");
        assert!(read("rows,seconds\n1,1\n", "log.csv", 0.0).is_err());
    }

    #[test]
    fn missing_columns_are_filled_from_what_is_known() {
        let rehearsal = read("seconds, rows,note\n0.5,100,x\n0.7,300,y\n", "log.csv", 1000.0).expect("a log");
        let step = &rehearsal.steps[0];
        let last = &step.observations[1];
        assert_eq!((last.rows, last.position, last.elapsed), (300, 0.1, 1.2));
        assert_eq!(step.batching.as_ref().map(|batching| batching.total_batches), Some(5.0));
        assert!(!step.complete);
        assert!(read("rows,seconds\n1000,1\n", "log.csv", 1000.0).expect("a log").steps[0].complete);
    }

    #[test]
    fn the_total_is_what_the_clock_shows() {
        let log = |line: &dyn Fn(usize) -> String| {
            let lines: String = (0..400).map(line).collect();
            let rehearsal = read(&format!("rows,seconds,elapsed\n{lines}"), "log.csv", 2000.0 * 100.0).expect("a log");
            let estimate = crate::model::estimate(&rehearsal, &[], &crate::model::EstimateOptions::default());
            estimate.expect("enough evidence").total.point_seconds
        };
        let near = |seconds: f64, expected: f64| assert!((seconds / expected - 1.0).abs() < 0.1, "{seconds} s");
        near(log(&|batch| format!("100,0.1,{}\n", batch as f64 + 0.1)), 2000.0);
        // A pause as long as the batch before, which takes 0.1 s or 0.3 s.
        let seconds = |batch: usize| 0.1 + 0.2 * (batch % 2) as f64;
        let ended = |batch: usize| (0..batch).map(|batch| 2.0 * seconds(batch)).sum::<f64>() + seconds(batch);
        near(
            log(&|batch| format!("100,{},{}\n", seconds(batch), ended(batch))),
            800.0,
        );
        // Four workers.
        near(
            log(&|batch| format!("100,0.4,{}\n", 0.4 * (1 + batch / 4) as f64)),
            200.0,
        );
    }

    #[test]
    fn the_start_of_a_segment_is_warm_up() {
        let mut text = "rows,seconds,segment\n".to_string();
        for batch in 0..50 {
            text += &format!("10,0.1,{}\n", batch / 25);
        }
        let rehearsal = read(&text, "log.csv", 1e4).expect("a log");
        let warm_up: Vec<usize> = (0..50)
            .filter(|batch| rehearsal.steps[0].observations[*batch].warm_up)
            .collect();
        assert_eq!(warm_up, (0..3).chain(25..28).collect::<Vec<_>>());
    }
}
