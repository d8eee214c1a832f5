//! Turns text into statements: splits it, checks the syntax of each piece, follows includes, reads directives.
//!
//! The caller reads the files; this file sees only their text.

use std::ops::Range;
use std::sync::Arc;

use super::command::Command;
use super::directive::{self, DEFAULT_BATCH_SIZE, Directive};
use super::lexer::BatchEdge;
use super::outline::Outline;
use super::source::{Source, excerpt};
use super::splitter::{Piece, RawStatement, split};
use super::syntax;
use super::tool::Tool;
use crate::error::{Error, ErrorKind, Location, Result};

/// One statement of a migration.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Number from 1, across included files.
    pub number: u32,
    /// The statement's file, as named by the caller.
    pub file: String,
    /// Line on which it starts, from 1.
    pub line: usize,
    /// Its byte range in the file.
    pub byte_range: Range<usize>,
    /// The statement as written, without its semicolon.
    pub sql: String,
    /// Batch placeholders in order, with their byte ranges in `sql`.
    pub placeholders: Vec<(Range<usize>, BatchEdge)>,
    /// The directive in its comments.
    pub directive: Option<Directive>,
    /// How the migration tool sends it.
    pub sending: Sending,
    /// The data behind `COPY … FROM stdin`.
    pub data: Option<Arc<str>>,
    /// What it says.
    pub(super) outline: Arc<Outline>,
}

/// How the migration tool sends a statement; this decides in which transaction the statement runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// The tool.
    pub tool: Tool,
    /// The transaction that the tool opens around it, numbered from 1; `None` if it opens none.
    pub transaction: Option<u32>,
    /// The message in which it is sent with other statements, numbered from 1; a simple query of several statements is
    /// one transaction. `None` if it is sent separately.
    pub message: Option<u32>,
}

impl Statement {
    /// Returns where it begins.
    pub fn location(&self) -> Location {
        Location::line(Some(&self.file), self.line)
    }

    /// Returns the number of rows in a batch, if the author of the statement wants it to run in batches.
    pub fn batch_size(&self) -> Option<u64> {
        match &self.directive {
            Some(Directive::Batch(batch)) => Some(batch.size.unwrap_or(DEFAULT_BATCH_SIZE)),
            Some(Directive::NoBatch) => None,
            None => (!self.placeholders.is_empty()).then_some(DEFAULT_BATCH_SIZE),
        }
    }

    /// Returns the command that it is.
    pub(super) fn command(&self) -> &Command {
        &self.outline.command
    }

    /// Returns a usage error `file:line: message` with a range of the statement marked.
    pub(super) fn error(&self, range: Range<usize>, message: impl std::fmt::Display) -> Error {
        let before = &self.sql[..range.start];
        let line = self.line + before.matches('\n').count();
        Error::at(ErrorKind::Usage, Location::line(Some(&self.file), line), message)
            .with_excerpt(excerpt(&self.file, &self.sql, line, range))
    }

    /// Returns an error about the whole statement, with its first word marked.
    pub(super) fn error_at_start(&self, message: impl std::fmt::Display) -> Error {
        let first_word = self.sql.find(char::is_whitespace).unwrap_or(self.sql.len());
        self.error(0..first_word, message)
    }
}

/// A `\i` or `\ir` that the caller must resolve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include<'text> {
    /// File name as written.
    pub path: &'text str,
    /// Whether it is relative to the including file (`\ir`) rather than to the working directory (`\i`).
    pub relative: bool,
    /// The including file, as named by the caller.
    pub file: &'text str,
}

/// An included file, as found by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// Its name for messages, and for the includes inside it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// Reads the statements of a migration without includes.
///
/// # Errors
/// `Usage` with `file:line:column` for invalid SQL, and for psql commands.
pub fn parse(text: &str, file: &str) -> Result<Vec<Statement>> {
    parse_with(text, file, &mut |_| {
        Err(Error::new(ErrorKind::Usage, "other files cannot be included here"))
    })
}

/// Reads the statements of a migration; `include` finds the files named by `\i` and `\ir`.
///
/// # Errors
/// `Usage` with `file:line:column` for invalid SQL, for psql's other commands, and for a file that includes itself;
/// errors of `include`, with the position of the command.
pub fn parse_with(
    text: &str,
    file: &str,
    include: &mut dyn FnMut(&Include) -> Result<Included>,
) -> Result<Vec<Statement>> {
    let statements = parse_part(&Source::new(file, text), 0, include)?;
    if statements.is_empty() {
        return Err(no_statement(file));
    }
    Ok(statements)
}

/// Reads the statements of a part of a file, from a byte offset to the end of `source`; there may be none.
pub(super) fn parse_part(
    source: &Source,
    start: usize,
    include: &mut dyn FnMut(&Include) -> Result<Included>,
) -> Result<Vec<Statement>> {
    let mut reader = Reader {
        include,
        open_files: vec![source.file.to_owned()],
        statements: Vec::new(),
    };
    reader.read(source, start)?;
    Ok(reader.statements)
}

/// Returns the error for a migration without statements.
pub fn no_statement(name: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{name}: there is no statement in it"))
        .with_hint("a migration is plain SQL; statements end with a semicolon")
}

/// Returns the statement with each placeholder replaced by a parameter of the same length, so that it can be parsed;
/// the leading space separates it from `BETWEEN` in `BETWEEN<batch_start>`.
pub(super) fn masked(sql: &str, placeholders: &[(Range<usize>, BatchEdge)]) -> String {
    let mut text = sql.to_owned();
    for (range, edge) in placeholders {
        let parameter = match edge {
            BatchEdge::Start => " $1",
            BatchEdge::End => " $2",
        };
        text.replace_range(range.clone(), &format!("{parameter:width$}", width = range.len()));
    }
    text
}

struct Reader<'caller> {
    include: &'caller mut dyn FnMut(&Include) -> Result<Included>,
    open_files: Vec<String>,
    statements: Vec<Statement>,
}

impl Reader<'_> {
    fn read(&mut self, source: &Source, start: usize) -> Result<()> {
        let (pieces, left_comments) = split(source, start)?;
        for piece in pieces {
            match piece {
                Piece::Statement(raw) => self.read_statement(source, raw)?,
                Piece::Include { path, relative, range } => {
                    self.read_include(
                        source,
                        &Include {
                            path: &path,
                            relative,
                            file: source.file,
                        },
                        range,
                    )?;
                }
            }
        }
        match read_directive(source, &left_comments)? {
            Some((_, range)) => Err(source.error(range, "this migtime comment stands by no statement")),
            None => Ok(()),
        }
    }

    fn read_statement(&mut self, source: &Source, raw: RawStatement) -> Result<()> {
        let start = raw.range.start;
        let sql = &source.text[raw.range.clone()];
        let placeholders: Vec<_> = raw
            .placeholders
            .into_iter()
            .map(|(range, edge)| (range.start - start..range.end - start, edge))
            .collect();
        let masked = masked(sql, &placeholders);
        let outline = match syntax::read(&masked) {
            Ok(outline) => outline,
            Err(problem) => {
                let range = start + problem.range.start..start + problem.range.end;
                let hint = hint_for(&masked[problem.range]);
                let may_be_valid = placeholders.is_empty() && problem.may_be_valid && hint.is_none();
                let error = source.error(range, problem.message);
                if !may_be_valid {
                    return Err(hint.into_iter().fold(error, Error::with_hint));
                }
                Outline {
                    unread: Some(error.message().to_owned()),
                    ..Outline::default()
                }
            }
        };
        let directive = read_directive(source, &raw.comments)?.map(|(directive, _)| directive);
        self.statements.push(Statement {
            number: self.statements.len() as u32 + 1,
            file: source.file.to_owned(),
            line: source.line(start),
            byte_range: raw.range.clone(),
            sql: sql.to_owned(),
            placeholders,
            directive,
            sending: Sending::default(),
            data: raw.data.map(|data| Arc::from(&source.text[data])),
            outline: Arc::new(outline),
        });
        Ok(())
    }

    fn read_include(&mut self, source: &Source, wanted: &Include, range: Range<usize>) -> Result<()> {
        let included = (self.include)(wanted)
            .map_err(|error| error.in_context(format!("{}:{}", source.file, source.line(range.start))))?;
        if self.open_files.contains(&included.file) {
            return Err(source.error(range, format!("{} includes itself", included.file)));
        }
        self.open_files.push(included.file.clone());
        self.read(&Source::new(&included.file, &included.text), 0)?;
        self.open_files.pop();
        Ok(())
    }
}

/// Returns the only directive among a statement's comments, and its position.
fn read_directive(source: &Source, comments: &[Range<usize>]) -> Result<Option<(Directive, Range<usize>)>> {
    let mut found = None;
    for range in comments {
        match directive::read(&source.text[range.clone()]) {
            None => {}
            Some(Err(misread)) => return Err(source.error(range.clone(), misread.message).with_hint(misread.hint)),
            Some(Ok(_)) if found.is_some() => {
                return Err(source.error(range.clone(), "this statement already has a migtime comment"));
            }
            Some(Ok(directive)) => found = Some((directive, range.clone())),
        }
    }
    Ok(found)
}

/// Returns the hint for syntax errors caused by the language of psql or of a migration tool.
fn hint_for(text: &str) -> Option<&'static str> {
    match text.as_bytes() {
        [b':', ..] => Some("psql's variables are not filled in; only :batch_start and :batch_end have a meaning here"),
        [b'$' | b'{', ..] => Some("placeholders of a migration tool, like ${name} or {{.name}}, are not filled in"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
