//! goose and sql-migrate: both directions in one file, split line by line. A statement ends at a line that ends with
//! `;`, except between `StatementBegin` and `StatementEnd`.

use std::ops::Range;

use super::file_name::{by_leading_number, split_digits};
use super::history::Migration;
use super::lines::{Line, lines};
use super::pairs::in_order;
use super::plain::is_sql;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{NamedAs, SourceFile, refused};
use crate::error::Result;

/// Returns the migrations of goose, `0001_name.sql`, by number.
pub(super) fn migrations_of_goose(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let numbered = |file: &&SourceFile| split_digits(file.file_name()).is_some();
    let mut migrations = Vec::new();
    for file in candidates(files, place).filter(|file| place == NamedAs::File || numbered(file)) {
        migrations.push(migration(file, &GOOSE)?);
    }
    in_order(migrations, "goose")
}

/// Returns the migrations of sql-migrate: files of any name, ordered by the leading number.
pub(super) fn migrations_of_sql_migrate(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let mut migrations: Vec<Migration> = candidates(files, place)
        .map(|file| migration(file, &SQL_MIGRATE))
        .collect::<Result<_>>()?;
    migrations.sort_by(|one, other| by_leading_number(&one.name, &other.name));
    Ok(migrations)
}

/// Returns the single file, or the files directly in the directory.
pub(super) fn candidates(files: &[SourceFile], place: NamedAs) -> impl Iterator<Item = &SourceFile> {
    files
        .iter()
        .enumerate()
        .filter(move |(index, file)| match place {
            NamedAs::File => *index == 0,
            NamedAs::Directory => file.directory().is_empty() && is_sql(file),
        })
        .map(|(_, file)| file)
}

/// Returns whether a line begins the forward section of goose or sql-migrate.
pub(super) fn opens_forward(line: &Line, word: &str) -> bool {
    let direction = line
        .comment_behind(word)
        .and_then(|rest| rest.split_whitespace().next());
    direction.is_some_and(|direction| direction.eq_ignore_ascii_case("up"))
}

/// The differences between the two tools.
struct Dialect {
    name: &'static str,
    word: &'static str,
    /// Whether each direction may occur only once, forward first.
    strict: bool,
}

const GOOSE: Dialect = Dialect {
    name: "goose",
    word: "+goose",
    strict: true,
};

const SQL_MIGRATE: Dialect = Dialect {
    name: "sql-migrate",
    word: "+migrate",
    strict: false,
};

fn migration(file: &SourceFile, dialect: &'static Dialect) -> Result<Migration> {
    let mut cutter = Cutter {
        file,
        dialect,
        direction: None,
        held_together: None,
        start: 0,
        unfinished: None,
        forward: Direction::default(),
        back: Direction::default(),
    };
    for line in lines(file.text()) {
        cutter.take(&line)?;
    }
    cutter.finish()?;
    let name = file.file_name();
    Ok(Migration {
        version: split_digits(name).map_or(name, |(digits, _)| digits).to_owned(),
        name: file.path.clone(),
        down: (!cutter.back.parts.is_empty()).then(|| cutter.back.script(file)),
        up: cutter.forward.script(file),
        repeats: false,
    })
}

#[derive(Default)]
struct Direction {
    seen: bool,
    parts: Vec<Range<usize>>,
    without_transaction: bool,
}

impl Direction {
    fn script(&self, file: &SourceFile) -> Script {
        Script {
            file: file.clone(),
            parts: self.parts.clone(),
            transaction: if self.without_transaction {
                TransactionScope::None
            } else {
                TransactionScope::PerScript
            },
            send: Send::Whole,
            before: Vec::new(),
            after: Vec::new(),
        }
    }
}

struct Cutter<'file> {
    file: &'file SourceFile,
    dialect: &'static Dialect,
    /// Whether the current part is the forward direction; `None` before the first marker.
    direction: Option<bool>,
    /// Line number of the open `StatementBegin`.
    held_together: Option<usize>,
    /// Where the current part begins.
    start: usize,
    /// First line of a statement that has not yet ended.
    unfinished: Option<usize>,
    forward: Direction,
    back: Direction,
}

impl Cutter<'_> {
    fn take(&mut self, line: &Line) -> Result<()> {
        if let Some(written) = line.comment_behind(self.dialect.word) {
            return self.take_marker(line, written);
        }
        if self.held_together.is_some() || line.is_blank_or_comment() && self.unfinished.is_none() {
            return Ok(());
        }
        if self.direction.is_none() {
            // sql-migrate ignores everything before its first marker.
            return if self.dialect.strict {
                Err(self.refusal(line.number, "wants -- +goose Up before the first statement"))
            } else {
                Ok(())
            };
        }
        self.unfinished.get_or_insert(line.number);
        // A psql command ends with its line; an error in it is reported when the part is read.
        if line.ends_statement() || line.text.starts_with('\\') {
            self.end_part(line.range.end);
        }
        Ok(())
    }

    fn take_marker(&mut self, line: &Line, written: &str) -> Result<()> {
        let mut words = written.split_whitespace();
        let marker = words.next().unwrap_or_default().to_ascii_lowercase();
        let rest: Vec<String> = words.map(str::to_ascii_lowercase).collect();
        match (marker.as_str(), self.held_together) {
            ("statementend", Some(_)) => {
                self.held_together = None;
                self.end_part(line.range.end);
            }
            // goose looks for it everywhere.
            ("no", _) if self.dialect.strict && rest == ["transaction"] => {
                (self.forward.without_transaction, self.back.without_transaction) = (true, true);
            }
            (_, Some(begin)) => {
                let message = format!("wants StatementEnd for the StatementBegin of line {begin} first");
                return Err(self.refusal(line.number, &message));
            }
            ("up" | "down", None) => {
                self.turn(line, marker == "up", rest.iter().any(|word| word == "notransaction"))?
            }
            ("statementbegin", None) if self.direction.is_some() => self.held_together = Some(line.number),
            ("statementbegin" | "statementend", None) => {
                return Err(self.refusal(line.number, &format!("does not expect {written} here")));
            }
            ("envsub" | "envsubst", None) if self.dialect.strict => {
                if rest == ["on"] {
                    return Err(self
                        .refusal(line.number, "fills in environment variables here (ENVSUB)")
                        .with_hint(
                            "they are not filled in by migtime: write their values, or rehearse goose itself \
                                    with --exec",
                        ));
                }
            }
            _ => {
                let message = format!(
                    "does not know the marker {}",
                    written.split_whitespace().next().unwrap_or_default()
                );
                return Err(self.refusal(line.number, &message));
            }
        }
        Ok(())
    }

    fn turn(&mut self, line: &Line, forward: bool, without_transaction: bool) -> Result<()> {
        self.refuse_unfinished()?;
        let seen = if forward { self.forward.seen } else { self.back.seen };
        if self.dialect.strict && (seen || (!forward && !self.forward.seen)) {
            let message = if seen {
                "refuses the same direction twice in a file"
            } else {
                "wants -- +goose Up before -- +goose Down"
            };
            return Err(self.refusal(line.number, message));
        }
        self.direction = Some(forward);
        self.start = line.range.end;
        let direction = if forward { &mut self.forward } else { &mut self.back };
        direction.seen = true;
        direction.without_transaction |= without_transaction;
        Ok(())
    }

    fn end_part(&mut self, end: usize) {
        let part = self.start..end;
        match self.direction {
            Some(true) => self.forward.parts.push(part),
            Some(false) => self.back.parts.push(part),
            None => {}
        }
        self.start = end;
        self.unfinished = None;
    }

    fn finish(&mut self) -> Result<()> {
        if let Some(begin) = self.held_together {
            return Err(self.refusal(begin, "finds no StatementEnd for this StatementBegin"));
        }
        self.refuse_unfinished()?;
        if !self.forward.seen {
            let message = format!("finds no -- {} Up in this file", self.dialect.word);
            return Err(self.refusal(1, &message));
        }
        Ok(())
    }

    fn refuse_unfinished(&self) -> Result<()> {
        match self.unfinished {
            Some(line) => Err(self
                .refusal(line, "finds no end of this statement")
                .with_hint("end it with ; at the end of a line, or put StatementBegin and StatementEnd around it")),
            None => Ok(()),
        }
    }

    fn refusal(&self, line: usize, message: &str) -> crate::error::Error {
        refused(self.file, line, format!("{} {message}", self.dialect.name))
    }
}
