//! The range of each number in a saved rehearsal, so that the arithmetic never meets a value that cannot have been
//! measured.
//!
//! A file may come from anywhere: an absurd value is rejected when the file is read, with its position in the file.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// 31 years: longer than anybody waits for a migration.
pub const MOST_SECONDS: f64 = 1e9;

/// More rows than the largest table holds, and few enough that their products stay finite.
pub const MOST_ROWS: f64 = 1e15;

/// A petabyte: more than any relation, or the WAL of any statement.
const MOST_BYTES: f64 = 1e15;

/// The meaning of a field's numbers, and their range.
struct Range {
    least: f64,
    /// Smallest value other than 0: a smaller one cannot be a count, and must not be a divisor.
    nearest: f64,
    most: f64,
    unit: &'static str,
    /// Whether only whole numbers are valid.
    whole: bool,
}

impl Range {
    const fn measured(most: f64, unit: &'static str) -> Range {
        Range {
            least: 0.0,
            nearest: 0.0,
            most,
            unit,
            whole: false,
        }
    }

    const fn counted(most: f64, unit: &'static str) -> Range {
        Range {
            least: 0.0,
            nearest: 0.0,
            most,
            unit,
            whole: true,
        }
    }
}

const SECONDS: Range = Range::measured(MOST_SECONDS, " seconds");
const ROWS: Range = Range {
    nearest: 1e-6,
    ..Range::measured(MOST_ROWS, " rows")
};
/// Lower than `MOST_ROWS`, because many of these numbers are added up as integers.
const WHOLE_ROWS: Range = Range::counted(1e13, " rows");
const BYTES: Range = Range::counted(MOST_BYTES, " bytes");
/// Lower than `MOST_BYTES`, because many of these numbers are added up.
const WAL: Range = Range::counted(1e14, " bytes");
const BATCHES: Range = Range {
    nearest: 1e-6,
    ..Range::measured(MOST_ROWS, " batches")
};
const COUNT: Range = Range::counted(MOST_ROWS, "");
/// Runs, segments, lines and the like, which are counted in 32 bits.
const NUMBER: Range = Range::counted(u32::MAX as f64, "");
/// A relative deviation of ten says nothing about the value any more.
const DEVIATION: Range = Range::measured(10.0, " times the value");
const TASKS: Range = Range::measured(1e6, " tasks");
const SHARE: Range = Range::measured(1.0, "");
const CORRELATION: Range = Range {
    least: -1.0,
    ..Range::measured(1.0, "")
};
/// The server says -1 for a table that it never counted.
const ESTIMATED_ROWS: Range = Range { least: -1.0, ..ROWS };

/// Returns the range of `field`; `inside` is the field that contains it. `None` for fields without a number or without
/// a range.
fn range(inside: &str, field: &str) -> Option<Range> {
    Some(match (inside, field) {
        ("targets", "rows") => ROWS,
        ("run_history", "runs") => NUMBER,
        ("load", "looks") => COUNT,
        ("load", _) => TASKS,
        ("run_history", "standard_deviation") => DEVIATION,
        (_, "rows" | "dead_rows" | "modified_since_analyze") => WHOLE_ROWS,
        (_, "rows_read" | "rows_inserted" | "rows_updated" | "rows_deleted") => WHOLE_ROWS,
        (_, "scans" | "lookups" | "blocks") => COUNT,
        ("relations" | "production_relations", "indexes") => NUMBER,
        (_, "total_rows" | "estimated_rows" | "table_rows") => ROWS,
        (_, "reltuples") => ESTIMATED_ROWS,
        (_, "seconds" | "waited_seconds" | "elapsed" | "held_seconds" | "sampled_every_seconds") => SECONDS,
        (_, "empty_seconds" | "batch_delay_seconds" | "lookup_seconds" | "away_seconds") => SECONDS,
        (_, "max_seconds" | "batch_delay" | "lock_timeout") => SECONDS,
        (_, "total_rows_relative_sd" | "rows_relative_sd") => DEVIATION,
        (_, "total_batches" | "batches") => BATCHES,
        (_, "batch_size" | "lookup_batches" | "full_page_images" | "relpages" | "processors") => COUNT,
        (_, "position" | "fraction") => SHARE,
        (_, "correlation") => CORRELATION,
        (_, "run" | "segment" | "number" | "step" | "line" | "after_part_of") => NUMBER,
        (_, "partitions" | "foreign_partitions" | "version_num") => NUMBER,
        (_, "index" | "kept" | "unmeasured") => NUMBER,
        // Some file systems report free space up to the 64-bit maximum.
        (_, "free_disk_bytes") => return None,
        (_, "wal_bytes") => WAL,
        (_, field) if field.ends_with("_bytes") || field == "bytes" => BYTES,
        _ => return None,
    })
}

/// Checks every number in `value`, the content of the file `name`, and reports the first that is out of range.
///
/// # Errors
/// `Usage` with the file and the path of the field.
pub(crate) fn check(value: &Value, name: &str) -> Result<()> {
    walk(value, &mut Place::default()).map_err(|message| {
        Error::new(ErrorKind::Usage, format!("{name}: {message}"))
            .with_hint("nothing measures such a number: rehearse again, or take the file from where it was saved")
    })
}

/// Position of the walk in the file.
#[derive(Default)]
struct Place<'file> {
    fields: Vec<Part<'file>>,
}

enum Part<'file> {
    Field(&'file str),
    Index(usize),
}

fn walk<'file>(value: &'file Value, place: &mut Place<'file>) -> std::result::Result<(), String> {
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(field, value)| {
            place.fields.push(Part::Field(field));
            walk(value, place)?;
            place.fields.pop();
            Ok(())
        }),
        Value::Array(values) => values.iter().enumerate().try_for_each(|(index, value)| {
            place.fields.push(Part::Index(index));
            walk(value, place)?;
            place.fields.pop();
            Ok(())
        }),
        Value::Number(number) => match place.range() {
            Some(range) => range
                .refusal(number)
                .map_or(Ok(()), |refusal| Err(format!("{}: {refusal}", place.text()))),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

impl Place<'_> {
    fn range(&self) -> Option<Range> {
        let mut names = self.fields.iter().rev().filter_map(|part| match part {
            Part::Field(name) => Some(*name),
            Part::Index(_) => None,
        });
        let field = names.next()?;
        range(names.next().unwrap_or_default(), field)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.fields {
            match part {
                Part::Field(name) if text.is_empty() => text.push_str(name),
                Part::Field(name) => text.extend([".", name]),
                Part::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

impl Range {
    fn refusal(&self, number: &serde_json::Number) -> Option<String> {
        let value = number.as_f64().unwrap_or(f64::NAN);
        if !(self.least..=self.most).contains(&value) {
            let (least, most, unit) = (self.least, self.most, self.unit);
            return Some(format!("{number} is not between {least} and {most}{unit}"));
        }
        if value != 0.0 && value.abs() < self.nearest {
            return Some(format!("{number} is too near to 0"));
        }
        (self.whole && !number.is_u64()).then(|| format!("{number} is not a whole number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(text: &str, expected: &str) {
        let value = serde_json::from_str(text).expect("JSON");
        let error = check(&value, "r.json").expect_err(text);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Usage, expected));
    }

    #[test]
    fn a_number_that_nothing_measures_is_refused_with_its_place() {
        check_refused(
            r#"{"steps": [{}, {"observations": [{"seconds": 1}, {"seconds": 1e308}]}]}"#,
            "r.json: steps[1].observations[1].seconds: 1e+308 is not between 0 and 1000000000 seconds",
        );
        check_refused(
            r#"{"targets": [null, {"rows": -1.5}]}"#,
            "r.json: targets[1].rows: -1.5 is not between 0 and 1000000000000000 rows",
        );
        check_refused(
            r#"{"rollback": {"after_part_of": [1, 4294967296]}}"#,
            "r.json: rollback.after_part_of[1]: 4294967296 is not between 0 and 4294967295",
        );
        check_refused(
            r#"{"tables": [{"relpages": 0.5}]}"#,
            "r.json: tables[0].relpages: 0.5 is not a whole number",
        );
    }

    #[test]
    fn what_servers_and_file_systems_say_is_taken() {
        let text = r#"{"free_disk_bytes": 18446744073709551615, "seed": 18446744073709551615,
            "tables": [{"reltuples": -1.0, "indexes": [{"correlation": -1.0, "bytes": 8192}]}],
            "targets": [{"rows": 0.5}]}"#;
        assert!(check(&serde_json::from_str(text).expect("JSON"), "r.json").is_ok());
    }
}
