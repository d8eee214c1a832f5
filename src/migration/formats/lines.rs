//! The lines of a file with their positions: the markers of every tool are lines.

use std::ops::Range;

/// A line of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'text> {
    /// Number from 1.
    pub number: usize,
    /// Its text without the line break, Unix or Windows.
    pub text: &'text str,
    /// Its byte range, including the line break.
    pub range: Range<usize>,
}

/// Returns the lines of a text.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(index, line)| {
        let range = start..start + line.len();
        start = range.end;
        Line {
            number: index + 1,
            text: line.trim_end_matches(['\n', '\r']),
            range,
        }
    })
}

impl<'text> Line<'text> {
    /// Returns whether the line contains no SQL.
    pub fn is_blank_or_comment(&self) -> bool {
        let text = self.text.trim();
        text.is_empty() || text.starts_with("--")
    }

    /// If the line begins with `--` and `word`, in any case, returns the text after them.
    pub fn comment_behind(&self, word: &str) -> Option<&'text str> {
        let comment = self.text.strip_prefix("--")?.trim_start();
        let (head, rest) = comment.split_at_checked(word.len())?;
        let apart = rest.is_empty() || rest.starts_with(char::is_whitespace);
        (head.eq_ignore_ascii_case(word) && apart).then(|| rest.trim())
    }

    /// Returns whether its last word before a comment ends with a semicolon, where line-based tools end a statement.
    pub fn ends_statement(&self) -> bool {
        let words = self.text.split_whitespace();
        let last = words.take_while(|word| !word.starts_with("--")).last();
        last.is_some_and(|word| word.ends_with(';'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_their_places() {
        let found: Vec<_> = lines("a\r\n\nb")
            .map(|line| (line.number, line.text, line.range))
            .collect();
        assert_eq!(found, [(1, "a", 0..3), (2, "", 3..4), (3, "b", 4..5)]);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn statements_end_where_line_wise_tools_end_them() {
        let check = |text: &str, expected: bool| {
            let ends = lines(text).all(|line| line.ends_statement());
            assert_eq!(ends, expected, "{text}");
        };
        check("select 1;", true);
        check("select 1; -- why;", true);
        check("select 1 -- why;", false);
        check("-- select 1;", false);
        check("select ';'", false);
    }

    #[test]
    fn markers_are_whole_words() {
        let check = |text: &str, expected: Option<&str>| {
            let line = lines(text).next().expect("a line");
            assert_eq!(line.comment_behind("+goose"), expected, "{text}");
        };
        check("-- +goose Up", Some("Up"));
        check("--+GOOSE  Up \r\n", Some("Up"));
        check("-- +goosed", None);
        check(" -- +goose Up", None);
        check("-- ü", None);
    }
}
