//! Characters and line beginnings that a terminal or a CI service would obey instead of showing.

/// Returns whether a character controls the display: control characters, and those that change the direction of text.
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// Returns the text as one line; characters that would control a terminal or a CI service are escaped: `\u{1b}`, `\n`.
pub fn printable_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if is_steering(character) {
            line.extend(character.escape_default())
        } else {
            line.push(character)
        }
    }
    disarmed(&line)
}

/// Changes a line so that no CI service takes it for a command: `::` at the beginning of a line, and `##[` anywhere.
pub fn disarmed(line: &str) -> String {
    let line = line.replace("##[", "#\\u{23}[").replace("##vso[", "#\\u{23}vso[");
    let text = line.trim_start();
    match text.strip_prefix("::") {
        Some(rest) => format!("{}\\u{{3a}}:{rest}", &line[..line.len() - text.len()]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(printable_line(text), expected);
    }

    #[test]
    fn control_characters_are_shown() {
        check("a\nb\u{1b}[2J\u{9b}", "a\\nb\\u{1b}[2J\\u{9b}");
        check("a\u{202e}b\u{2066}\u{200f}", "a\\u{202e}b\\u{2066}\\u{200f}");
        check("\"Größe\" – 10 % می‌خواهم", "\"Größe\" – 10 % می‌خواهم");
    }

    #[test]
    fn no_line_is_a_command_to_a_ci_service() {
        check("::error::x", "\\u{3a}:error::x");
        check("  ::add-mask::x", "  \\u{3a}:add-mask::x");
        check("SELECT 1::int", "SELECT 1::int");
        check("a ##[error]x ##vso[task]", "a #\\u{23}[error]x #\\u{23}vso[task]");
    }
}
