//! A text with its name: turns byte ranges into `file:line:column` and a marked excerpt.
//!
//! Knows nothing of SQL.

use std::ops::Range;
use std::rc::Rc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::error::{Error, ErrorKind, Location};
use crate::shown::without_secrets;

/// The cause of an error: a quote or comment that is opened and never closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct NeverClosed;

/// A text, its name, and the positions of its lines.
pub(super) struct Source<'text> {
    /// Name for messages, as typed by the person.
    pub file: &'text str,
    /// The whole text.
    pub text: &'text str,
    line_starts: Rc<[usize]>,
}

impl<'text> Source<'text> {
    /// Indexes the lines of `text`.
    pub fn new(file: &'text str, text: &'text str) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(offset, _)| offset + 1))
            .collect();
        Source {
            file,
            text,
            line_starts,
        }
    }

    /// Returns the text up to a byte offset; all positions stay the same.
    pub fn up_to(&self, end: usize) -> Source<'text> {
        Source {
            file: self.file,
            text: &self.text[..end],
            line_starts: Rc::clone(&self.line_starts),
        }
    }

    /// Returns the line number of a byte offset, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Says that what begins with `range` is never closed.
    pub fn never_closed(&self, range: Range<usize>, what: &str) -> Error {
        self.error(range, format_args!("{what} is never closed"))
            .because(NeverClosed)
    }

    /// Returns a usage error `file:line:column: message` with the range marked.
    pub fn error(&self, range: Range<usize>, message: impl std::fmt::Display) -> Error {
        let line = self.line(range.start);
        let line_start = self.line_starts[line - 1];
        let before = self.text[line_start..range.start].trim_start_matches('\u{feff}');
        let column = before.chars().count() + 1;
        let location = Location {
            file: Some(self.file.to_owned()),
            line,
            column: Some(column),
        };
        Error::at(ErrorKind::Usage, location, message).with_excerpt(excerpt(self.file, self.text, line, range))
    }
}

/// Returns the line of `text`, numbered `line`, on which `range` begins, with the range marked by carets; secrets are
/// hidden.
pub(super) fn excerpt(file: &str, text: &str, line: usize, range: Range<usize>) -> String {
    let line_start = text[..range.start].rfind('\n').map_or(0, |offset| offset + 1);
    let line_end = text[line_start..]
        .find('\n')
        .map_or(text.len(), |length| line_start + length);
    let shown = shown_up_to(text, line_start, line_end);
    let shown = shown.strip_suffix('\r').unwrap_or(&shown);
    let boundary = |offset: usize| {
        let offset = shown_up_to(text, line_start, offset).len().min(shown.len());
        (0..=offset)
            .rev()
            .find(|offset| shown.is_char_boundary(*offset))
            .unwrap_or(0)
    };
    let start = boundary(range.start);
    let end = boundary(range.end.clamp(range.start, line_end.max(range.start))).max(start);
    // If something is hidden, columns differ from those in the file, which the message names.
    let is_whole = shown == text[line_start..line_end].trim_end_matches('\r');
    let snippet = Snippet::source(shown)
        .line_start(line)
        .path(is_whole.then_some(file))
        .annotation(AnnotationKind::Primary.span(start..end));
    Renderer::plain().render(&[Group::with_level(Level::ERROR).element(snippet)])
}

/// Returns a line up to an offset without secrets. Text on earlier lines may announce a secret: `PASSWORD` on one line,
/// the literal on the next.
fn shown_up_to(text: &str, line_start: usize, end: usize) -> String {
    /// More bytes than there are between the two, yet few enough to scan for every error.
    const BEFORE: usize = 4000;
    let from = (line_start.saturating_sub(BEFORE)..=line_start)
        .find(|offset| text.is_char_boundary(*offset))
        .unwrap_or(line_start);
    let before = without_secrets(&text[from..line_start]);
    let whole = without_secrets(&text[from..end]);
    match whole.strip_prefix(&before) {
        Some(line) => line.to_string(),
        // A secret that begins on an earlier line extends into this one.
        None => whole.rsplit('\n').next().unwrap_or_default().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, range: Range<usize>, expected: &str) {
        let error = Source::new("m.sql", text).error(range, "is wrong");
        assert_eq!(format!("{error}\n{}", error.excerpt().expect("marked")), expected);
    }

    #[test]
    fn marks_the_place() {
        check(
            "SELECT 1;\r\nSELEC ü 2;\r\n",
            11..16,
            "m.sql:2:1: is wrong\n --> m.sql:2:1\n  |\n2 | SELEC ü 2;\n  | ^^^^^",
        );
        check(
            "x\n  ü y",
            7..8,
            "m.sql:2:5: is wrong\n --> m.sql:2:5\n  |\n2 |   ü y\n  |     ^",
        );
    }

    #[test]
    fn marks_the_end_of_the_text_and_several_lines() {
        check("ab", 2..2, "m.sql:1:3: is wrong\n --> m.sql:1:3\n  |\n1 | ab\n  |   ^");
        check(
            "ab\ncd",
            1..4,
            "m.sql:1:2: is wrong\n --> m.sql:1:2\n  |\n1 | ab\n  |  ^",
        );
        check("", 0..0, "m.sql:1:1: is wrong\n --> m.sql:1:1\n  |\n1 |\n  | ^");
    }

    #[test]
    fn secrets_are_hidden() {
        check(
            "ALTER ROLE a PASSWORD 'x' LOGON",
            26..31,
            concat!(
                "m.sql:1:27: is wrong\n  |\n1 | ALTER ROLE a PASSWORD '********' LOGON\n",
                "  |                                  ^^^^^"
            ),
        );
        check(
            "a PASSWORD\n'x' LOGON",
            15..20,
            "m.sql:2:5: is wrong\n  |\n2 | '********' LOGON\n  |            ^^^^^",
        );
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_place() {
        let text = "x ".repeat(100_000);
        let error = Source::new("m.sql", &text).error(100_000..100_001, "is wrong");
        assert!(error.excerpt().expect("marked").len() < 1000);
    }
}
