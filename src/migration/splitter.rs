//! Splits a migration's text into statements as psql does, and finds commands that only psql understands.
//!
//! Deliberately independent of the SQL parser, which later reads each piece and must find exactly one statement.

use std::ops::Range;

use super::depth::Depth;
use super::lexer::{BatchEdge, Lexer, Token, TokenKind};
use super::source::Source;
use crate::error::Result;

/// A part of a migration file.
pub(super) enum Piece {
    /// A statement.
    Statement(RawStatement),
    /// `\i` or `\ir`.
    Include {
        /// File name as written.
        path: String,
        /// Whether it is relative to the including file (`\ir`).
        relative: bool,
        /// The command's byte range.
        range: Range<usize>,
    },
}

/// The position of a statement in the text, in bytes.
#[derive(Default)]
pub(super) struct RawStatement {
    /// From its first to its last token, without the semicolon.
    pub range: Range<usize>,
    /// Batch placeholders in the statement.
    pub placeholders: Vec<(Range<usize>, BatchEdge)>,
    /// Comments directly before, inside, or after the statement on the line of its semicolon.
    pub comments: Vec<Range<usize>>,
    /// The lines behind `COPY … FROM stdin;` up to `\.`, which are its data.
    pub data: Option<Range<usize>>,
}

/// Splits the text from a byte offset on; the second value holds the comments that belong to no statement.
pub(super) fn split(source: &Source, start: usize) -> Result<(Vec<Piece>, Vec<Range<usize>>)> {
    let mut splitter = Splitter::new(source);
    let mut lexer = Lexer::starting_at(source.text, start);
    loop {
        match lexer.next() {
            Ok(Some(token)) => {
                let end = token.range.end;
                splitter.take(token)?;
                if let Some(behind) = splitter.take_data(end) {
                    lexer.skip_to(behind);
                }
            }
            Ok(None) => break,
            Err(open) => return Err(source.never_closed(open.range, open.what)),
        }
    }
    splitter.finish_statement()?;
    Ok((splitter.pieces, splitter.current.comments))
}

struct Splitter<'text> {
    source: &'text Source<'text>,
    pieces: Vec<Piece>,
    current: RawStatement,
    /// Whether `current` already contains a token.
    started: bool,
    /// First words of the statement in lower case, enough to recognise `CREATE OR REPLACE FUNCTION`.
    words: Vec<String>,
    last_word: String,
    parentheses: usize,
    /// Nesting depth of `BEGIN ATOMIC … END` and of `CASE … END` in it.
    bodies: usize,
    depth: Depth,
    /// Whether the statement copies from the client.
    copies_from_client: bool,
    /// Whether the statement copies to the client.
    copies_to_client: bool,
    /// End of the last statement, while its line continues with only spaces and comments.
    behind: Option<usize>,
}

const COPY_TO_STDOUT: (&str, &str) = (
    "COPY … TO STDOUT sends its rows to the client, which is not rehearsed",
    "take it out, or copy to a file or PROGRAM on the server",
);

impl<'text> Splitter<'text> {
    fn new(source: &'text Source<'text>) -> Self {
        Splitter {
            source,
            pieces: Vec::new(),
            current: RawStatement::default(),
            started: false,
            words: Vec::new(),
            last_word: String::new(),
            parentheses: 0,
            bodies: 0,
            depth: Depth::default(),
            copies_from_client: false,
            copies_to_client: false,
            behind: None,
        }
    }

    fn take(&mut self, token: Token) -> Result<()> {
        match token.kind {
            TokenKind::Space => {}
            TokenKind::Comment => self.take_comment(token.range),
            TokenKind::MetaCommand => self.take_meta_command(token.range)?,
            TokenKind::Semicolon if self.parentheses == 0 && self.bodies == 0 => {
                self.behind = Some(token.range.end);
                self.finish_statement()?;
            }
            _ => self.take_part(token)?,
        }
        Ok(())
    }

    fn take_comment(&mut self, range: Range<usize>) {
        let on_line_of_last = self
            .behind
            .is_some_and(|end| !self.started && !self.source.text[end..range.start].contains('\n'));
        match self.pieces.last_mut() {
            Some(Piece::Statement(last)) if on_line_of_last => last.comments.push(range),
            _ => self.current.comments.push(range),
        }
    }

    fn take_part(&mut self, token: Token) -> Result<()> {
        let text = &self.source.text[token.range.clone()];
        let begins_body = self.parentheses == 0 && text.eq_ignore_ascii_case("begin") && self.creates_routine();
        if let Err(message) = self.depth.take(&token, text, begins_body) {
            return Err(self
                .source
                .error(token.range, message)
                .with_hint("take the statement apart: it is deeper than what is read"));
        }
        match token.kind {
            TokenKind::OpenParenthesis => self.parentheses += 1,
            TokenKind::CloseParenthesis => self.parentheses = self.parentheses.saturating_sub(1),
            TokenKind::Placeholder(edge) => self.current.placeholders.push((token.range.clone(), edge)),
            TokenKind::Word => self.take_word(text.to_ascii_lowercase()),
            _ => {}
        }
        if !self.started {
            self.current.range.start = token.range.start;
            self.started = true;
            self.behind = None;
        }
        self.current.range.end = token.range.end;
        Ok(())
    }

    /// As in psql, `BEGIN` opens a body only in `CREATE FUNCTION` or `CREATE PROCEDURE`, outside parentheses.
    fn take_word(&mut self, word: String) {
        if self.parentheses == 0 {
            match word.as_str() {
                "begin" if self.creates_routine() => self.bodies += 1,
                "case" if self.bodies > 0 => self.bodies += 1,
                "end" => self.bodies = self.bodies.saturating_sub(1),
                "stdin" if self.copies("from") => self.copies_from_client = true,
                "stdout" if self.copies("to") => self.copies_to_client = true,
                _ => {}
            }
        }
        if self.words.len() < 4 {
            self.words.push(word.clone());
        }
        self.last_word = word;
    }

    fn creates_routine(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["create", "function" | "procedure", ..] | ["create", "or", "replace", "function" | "procedure"]
        )
    }

    fn take_meta_command(&mut self, range: Range<usize>) -> Result<()> {
        let written = self.source.text[range.clone()].trim_end();
        let (command, argument) = written.split_once(char::is_whitespace).unwrap_or((written, ""));
        let relative = match command {
            "\\i" | "\\include" => false,
            "\\ir" | "\\include_relative" => true,
            // pg_dump writes them around its statements, so that psql runs no other command in between.
            "\\restrict" | "\\unrestrict" => return Ok(()),
            _ => {
                return Err(self
                    .source
                    .error(range, format!("{command} is a command of psql, not SQL"))
                    .with_hint("only \\i and \\ir are followed; take the others out, or write them in SQL"));
            }
        };
        if self.started {
            return Err(self.source.error(range, format!("{command} stands inside a statement")));
        }
        let argument = argument.trim().trim_end_matches(';').trim_end();
        let path = match argument.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(quoted) => quoted.replace("''", "'"),
            None => argument.to_owned(),
        };
        if path.is_empty() || path.starts_with([':', '`']) {
            return Err(self.source.error(range, format!("{command} needs a plain file name")));
        }
        self.pieces.push(Piece::Include { path, relative, range });
        self.behind = None;
        Ok(())
    }

    /// If a statement that copies from the client has just ended, takes the lines behind it as its data. Returns where
    /// SQL goes on.
    fn take_data(&mut self, end: usize) -> Option<usize> {
        if self.started || !std::mem::take(&mut self.copies_from_client) {
            return None;
        }
        let text = self.source.text;
        let start = text[end..].find('\n').map_or(text.len(), |line| end + line + 1);
        let mut behind = start;
        let mut data = start..text.len();
        for line in text[start..].split_inclusive('\n') {
            let here = behind;
            behind += line.len();
            if line.trim_end_matches(['\n', '\r']) == "\\." {
                data.end = here;
                break;
            }
        }
        if let Some(Piece::Statement(copy)) = self.pieces.last_mut() {
            copy.data = Some(data);
        }
        self.behind = None;
        Some(behind)
    }

    fn copies(&self, direction: &str) -> bool {
        self.words.first().is_some_and(|first| first == "copy") && self.last_word == direction
    }

    fn finish_statement(&mut self) -> Result<()> {
        if !self.started {
            return Ok(());
        }
        if self.copies_to_client {
            let (message, hint) = COPY_TO_STDOUT;
            return Err(self.source.error(self.current.range.clone(), message).with_hint(hint));
        }
        self.pieces.push(Piece::Statement(std::mem::take(&mut self.current)));
        self.started = false;
        self.words.clear();
        self.last_word.clear();
        (self.parentheses, self.bodies, self.depth) = (0, 0, Depth::default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let (pieces, _) = split(&Source::new("m.sql", text), 0).expect("splits");
        let found: Vec<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Statement(statement) => text[statement.range.clone()].to_owned(),
                Piece::Include { path, relative, .. } => format!("include {path} {relative}"),
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    fn check_refused(text: &str, expected: &str) {
        match split(&Source::new("m.sql", text), 0) {
            Ok(_) => panic!("accepted {text}"),
            Err(error) => assert_eq!(error.message(), expected),
        }
    }

    #[test]
    fn statements_end_where_psql_ends_them() {
        check("a; b ;;\n; c -- d", &["a", "b", "c"]);
        check("\u{feff}a ;\r\nb;\r\n", &["a", "b"]);
        check("-- only\n/* comments */ ;", &[]);
        check("do $x$ a; $$ b; $$ $x$; c", &["do $x$ a; $$ b; $$ $x$", "c"]);
        check(r"a E'\';'; b", &[r"a E'\';'", "b"]);
        check(
            "create rule r as on insert to t do (a; b); c",
            &["create rule r as on insert to t do (a; b)", "c"],
        );
    }

    #[test]
    fn bodies_of_sql_routines_are_kept_whole() {
        let body = "create or replace function f(a int) returns int begin atomic select case when a > 0 then 1 end; \
                    select 2; end";
        check(&format!("{body}; x"), &[body, "x"]);
        check(
            "begin; update t set a = 1; end; x",
            &["begin", "update t set a = 1", "end", "x"],
        );
        check("create table begin (a int); x", &["create table begin (a int)", "x"]);
    }

    #[test]
    fn comments_belong_to_the_statement_they_stand_by() {
        let text = "-- one\na /* two */ b; -- three\n-- four\nc;\n-- five";
        let (pieces, left) = split(&Source::new("m.sql", text), 0).expect("splits");
        let comments: Vec<Vec<&str>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Statement(statement) => statement.comments.iter().map(|range| &text[range.clone()]).collect(),
                Piece::Include { .. } => vec![],
            })
            .collect();
        assert_eq!(comments, [vec!["-- one", "/* two */", "-- three"], vec!["-- four"]]);
        assert_eq!(&text[left[0].clone()], "-- five");
    }

    #[test]
    fn includes_are_found() {
        check(
            "\\i a.sql\nb;\n\\ir 'it''s c.sql'\r\n",
            &["include a.sql false", "b", "include it's c.sql true"],
        );
    }

    #[test]
    fn what_pg_dump_writes_is_read() {
        let dump = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET a = 0;\nCOPY public.t (a, stdin) FROM \
                    stdin;\n1\tit's;\n\\.\n\n\nSELECT 1;\nCOPY t FROM STDIN; -- rest\r\n2\r\n\\.\r\n\\unrestrict abc\n";
        check(
            dump,
            &[
                "SET a = 0",
                "COPY public.t (a, stdin) FROM stdin",
                "SELECT 1",
                "COPY t FROM STDIN",
            ],
        );
        let (pieces, _) = split(&Source::new("m.sql", dump), 0).expect("splits");
        let data: Vec<&str> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Statement(statement) => statement.data.clone().map(|data| &dump[data]),
                Piece::Include { .. } => None,
            })
            .collect();
        assert_eq!(data, ["1\tit's;\n", "2\r\n"]);
        let csv = "copy t (stdin) from stdin with (format csv)";
        check(&format!("{csv};\n1,it's\n\\.\n"), &[csv]);
        check("copy t from stdin;\n1", &["copy t from stdin"]);
    }

    #[test]
    fn what_is_not_a_migration_is_refused() {
        check_refused("a;\n\\set x 1\n", "m.sql:2:1: \\set is a command of psql, not SQL");
        check_refused(
            "select 1 \\gexec\n",
            "m.sql:1:10: \\gexec is a command of psql, not SQL",
        );
        check_refused("a\n\\i b", "m.sql:2:1: \\i stands inside a statement");
        check_refused("\\i :x", "m.sql:1:1: \\i needs a plain file name");
        check_refused(
            "copy (select 1) to stdout",
            "m.sql:1:1: COPY … TO STDOUT sends its rows to the client, which is not rehearsed",
        );
        let deep = "(".repeat(1_001);
        check_refused(&deep, "m.sql:1:1001: nested more than 1000 levels deep");
        let many = format!("a {}", "or b\n".repeat(10_001));
        check_refused(&many, "m.sql:10001:1: too many conditions in one statement");
        check_refused("a;\nb 'c;\n", "m.sql:2:3: string is never closed");
    }
}
