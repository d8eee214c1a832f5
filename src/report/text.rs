//! Makes text from outside safe to show: names and SQL that neither break a layout nor control a terminal.

use crate::shown::{disarmed, is_steering};

/// Returns the text on one line: white space becomes single spaces, and no character that could control a terminal
/// remains.
pub(super) fn one_line(text: &str) -> String {
    let line = without_controls(text).split_whitespace().collect::<Vec<_>>().join(" ");
    disarmed(&line)
}

/// Returns the text with its line breaks but without other control characters, and with no line that a CI service would
/// take for a command.
pub(super) fn printable(text: &str) -> String {
    let text = without_controls(text);
    text.split('\n').map(disarmed).collect::<Vec<_>>().join("\n")
}

fn without_controls(text: &str) -> String {
    let kept = |c: char| if is_steering(c) && c != '\n' { ' ' } else { c };
    text.chars().map(kept).collect()
}

/// Returns the text on one line, cut to at most `most` characters, including an ellipsis.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_a_terminal() {
        assert_eq!(one_line("a\u{1b}[31m\n\tb"), "a [31m b");
        assert_eq!(printable("a\r\n\u{9b}b"), "a \n b");
        assert_eq!(one_line("a\u{202e}b"), "a b");
        assert_eq!(one_line("\n::error::x"), "\\u{3a}:error::x");
        assert_eq!(printable("a\n ::error::x"), "a\n \\u{3a}:error::x");
        assert_eq!(shortened("SELECT  1,\n 2", 9), "SELECT 1…");
        assert_eq!(shortened("SELECT", 6), "SELECT");
    }
}
