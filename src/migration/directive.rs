//! Comments that tell migtime how to split a statement: `-- migtime: batch key=id size=5000 walk=rows`.
//!
//! Reads one comment; knows nothing of its statement.

use super::Walk;
use super::names::nearest;

/// Default number of rows in a batch.
///
/// At the usual 10,000 to 100,000 rows/s, a batch of 5,000 holds its row locks for 50 to 500 ms. That is too short to
/// be noticed, yet long enough that the commit of 1 to 10 ms hardly matters.
pub const DEFAULT_BATCH_SIZE: u64 = 5_000;

/// The request in a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// `migtime: batch …`: split the statement into batches.
    Batch(BatchDirective),
    /// `migtime: no-batch`: run it whole.
    NoBatch,
}

/// The options of `migtime: batch`; absent if not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchDirective {
    /// `key=id` or `key=(tenant_id, id)`: columns as written.
    pub key: Option<Vec<String>>,
    /// `size=5000`: rows in a batch, or key values for a key-range walk.
    pub size: Option<u64>,
    /// `walk=rows`, `walk=key-range` or `walk=blocks`.
    pub walk: Option<Walk>,
}

/// Why a directive is invalid, and what may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misread {
    pub message: String,
    pub hint: String,
}

const DIRECTIVES: [&str; 2] = ["batch", "no-batch"];
const OPTIONS: [&str; 3] = ["key", "size", "walk"];
const WALKS: [(&str, Walk); 3] = [
    ("rows", Walk::Rows),
    ("key-range", Walk::KeyRange),
    ("blocks", Walk::Blocks),
];

/// Reads a whole comment with its delimiters; `None` if it is not addressed to migtime.
pub(super) fn read(comment: &str) -> Option<Result<Directive, Misread>> {
    let inside = match comment.strip_prefix("/*") {
        Some(block) => block.strip_suffix("*/")?,
        None => comment.strip_prefix("--")?,
    };
    let written = inside.trim().strip_prefix("migtime:")?.trim();
    let (word, options) = written.split_once(char::is_whitespace).unwrap_or((written, ""));
    Some(match word {
        "batch" => read_options(options).map(Directive::Batch),
        "no-batch" if options.trim().is_empty() => Ok(Directive::NoBatch),
        "no-batch" => Err(Misread {
            message: "no-batch takes no options".to_owned(),
            hint: "write: -- migtime: no-batch".to_owned(),
        }),
        _ => Err(unknown("directive", word, &DIRECTIVES)),
    })
}

fn read_options(written: &str) -> Result<BatchDirective, Misread> {
    let mut directive = BatchDirective::default();
    let mut rest = written.trim();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=').ok_or_else(|| not_an_option(rest))?;
        let (value, after) = cut_value(behind.trim_start()).ok_or_else(|| not_an_option(rest))?;
        match name.trim() {
            "key" => directive.key = Some(read_key(value)?),
            "size" => directive.size = Some(read_size(value)?),
            "walk" => directive.walk = Some(read_walk(value)?),
            other => return Err(unknown("option", other, &OPTIONS)),
        }
        rest = after.trim_start_matches(',').trim_start();
    }
    Ok(directive)
}

/// Splits off a value: `(…)` to its closing parenthesis, or else to the next space or comma outside quotes.
fn cut_value(text: &str) -> Option<(&str, &str)> {
    let in_parentheses = text.starts_with('(');
    let mut quoted = false;
    for (offset, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            _ if quoted => {}
            ')' if in_parentheses => return Some(text.split_at(offset + 1)),
            _ if !in_parentheses && (character.is_whitespace() || character == ',') => {
                return Some(text.split_at(offset));
            }
            _ => {}
        }
    }
    (!quoted && !in_parentheses && !text.is_empty()).then_some((text, ""))
}

fn read_key(value: &str) -> Result<Vec<String>, Misread> {
    let inside = value
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(value);
    let mut columns = vec![String::new()];
    let mut quoted = false;
    for character in inside.chars() {
        quoted ^= character == '"';
        match columns.last_mut() {
            Some(column) if quoted || character != ',' => column.push(character),
            _ => columns.push(String::new()),
        }
    }
    let columns: Vec<String> = columns.iter().map(|column| column.trim().to_owned()).collect();
    if columns.iter().any(String::is_empty) {
        return Err(Misread {
            message: format!("key={value} names no column"),
            hint: "write key=id, or key=(tenant_id, id) for several columns".to_owned(),
        });
    }
    Ok(columns)
}

fn read_size(value: &str) -> Result<u64, Misread> {
    // The server would silently use fractions for a number larger than a bigint.
    let in_range = |size: &u64| (1..=i64::MAX as u64).contains(size);
    value.parse().ok().filter(in_range).ok_or_else(|| Misread {
        message: format!("size={value} is not a whole number above 0"),
        hint: "write size=5000".to_owned(),
    })
}

fn read_walk(value: &str) -> Result<Walk, Misread> {
    WALKS
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, walk)| *walk)
        .ok_or_else(|| unknown("walk", value, &WALKS.map(|(name, _)| name)))
}

fn not_an_option(rest: &str) -> Misread {
    Misread {
        message: format!("cannot read \"{rest}\" as options of a batch"),
        hint: "write: -- migtime: batch key=id size=5000 walk=rows".to_owned(),
    }
}

fn unknown(what: &str, word: &str, known: &[&str]) -> Misread {
    let list = known.join(", ");
    Misread {
        message: format!("unknown {what} \"{word}\" in a migtime comment"),
        hint: match nearest(word, known) {
            Some(near) => format!("did you mean {near}? known: {list}"),
            None => format!("known: {list}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(comment: &str, key: Option<&[&str]>, size: Option<u64>, walk: Option<Walk>) {
        let key = key.map(|columns| columns.iter().map(|column| (*column).to_owned()).collect());
        let expected = Directive::Batch(BatchDirective { key, size, walk });
        assert_eq!(read(comment), Some(Ok(expected)), "{comment}");
    }

    fn check_refused(comment: &str, message: &str, hint: &str) {
        let misread = read(comment).expect("a directive").expect_err("refused");
        assert_eq!((misread.message.as_str(), misread.hint.as_str()), (message, hint));
    }

    #[test]
    fn options_are_read() {
        check("-- migtime: batch", None, None, None);
        check("--migtime:batch key=id", Some(&["id"]), None, None);
        check(
            "/* migtime: batch key=(tenant_id, \"I,d\") size=5000, walk=key-range */",
            Some(&["tenant_id", "\"I,d\""]),
            Some(5000),
            Some(Walk::KeyRange),
        );
        check("-- migtime: batch walk = blocks", None, None, Some(Walk::Blocks));
        assert_eq!(read("-- migtime: no-batch"), Some(Ok(Directive::NoBatch)));
    }

    #[test]
    fn other_comments_are_not_for_migtime() {
        assert_eq!(read("-- batch key=id"), None);
        assert_eq!(read("-- see migtime: batch"), None);
    }

    #[test]
    fn slips_are_named() {
        check_refused(
            "-- migtime: batch sise=5",
            "unknown option \"sise\" in a migtime comment",
            "did you mean size? known: key, size, walk",
        );
        check_refused(
            "-- migtime: bacth",
            "unknown directive \"bacth\" in a migtime comment",
            "did you mean batch? known: batch, no-batch",
        );
        check_refused(
            "-- migtime: batch walk=row",
            "unknown walk \"row\" in a migtime comment",
            "did you mean rows? known: rows, key-range, blocks",
        );
        check_refused(
            "-- migtime: batch size=0",
            "size=0 is not a whole number above 0",
            "write size=5000",
        );
        check_refused(
            "-- migtime: batch key=(a,)",
            "key=(a,) names no column",
            "write key=id, or key=(tenant_id, id) for several columns",
        );
        check_refused(
            "-- migtime: batch everything",
            "cannot read \"everything\" as options of a batch",
            "write: -- migtime: batch key=id size=5000 walk=rows",
        );
    }
}
