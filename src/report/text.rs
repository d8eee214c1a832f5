//! Text from outside made fit to be shown: names and SQL that neither break a layout nor steer a terminal.

/// Returns the text on one line: white space becomes single spaces, and nothing is left that could steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the text with its line breaks, but without any other control character.
pub(super) fn printable(text: &str) -> String {
    let kept = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().map(kept).collect()
}

/// Returns the text on one line, cut to at most `most` characters with an ellipsis.
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
        assert_eq!(shortened("SELECT  1,\n 2", 9), "SELECT 1…");
        assert_eq!(shortened("SELECT", 6), "SELECT");
    }
}
