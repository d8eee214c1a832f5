//! SQL names: when two spellings mean the same, and which known word an unknown one may have meant.

pub(super) use crate::quoting::identifier as quoted;

/// Splits a possibly qualified name as written, `public."Orders"`, into the names PostgreSQL sees: `public`, `Orders`.
pub(super) fn name_path(written: &str) -> Vec<String> {
    let mut path = vec![String::new()];
    let mut characters = written.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        let part = path.last_mut().expect("a path has a part");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => path.push(String::new()),
            _ if quoted => part.push(character),
            // Folding is ASCII only in PostgreSQL's UTF-8 databases.
            _ => part.push(character.to_ascii_lowercase()),
        }
    }
    path
}

/// Says whether two single names as written mean the same column.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    name_path(one) == name_path(other)
}

/// Returns the last part of a possibly qualified name, as written: the alias a table has without being given one.
pub(super) fn last_part(written: &str) -> &str {
    let mut quoted = false;
    let mut start = 0;
    for (offset, character) in written.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '.' if !quoted => start = offset + 1,
            _ => {}
        }
    }
    &written[start..]
}

/// Returns the known word nearest to `unknown`, when it is near enough to be a slip of the finger.
pub fn nearest<'known>(unknown: &str, known: &[&'known str]) -> Option<&'known str> {
    known
        .iter()
        .map(|word| (strsim::levenshtein(unknown, word), *word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        fn check(written: &str, expected: &[&str], last: &str) {
            assert_eq!(name_path(written), expected);
            assert_eq!(last_part(written), last);
        }
        check("Orders", &["orders"], "Orders");
        check(r#"Public."Or.ders""#, &["public", "Or.ders"], r#""Or.ders""#);
        check(r#""a""b".c"#, &["a\"b", "c"], "c");
    }

    #[test]
    fn near_words() {
        fn check(unknown: &str, expected: Option<&str>) {
            assert_eq!(nearest(unknown, &["key", "size", "walk"]), expected);
        }
        check("sise", Some("size"));
        check("keys", Some("key"));
        check("wlk", Some("walk"));
        check("parallel", None);
    }
}
