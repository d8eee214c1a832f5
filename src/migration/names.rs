//! SQL names: when two spellings mean the same, and which known word an unknown one may have meant.

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

/// Words that mean themselves only in quotes, of all versions (`pg_get_keywords()`, classes R and T).
const RESERVED: &str = "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation \
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time \
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full grant \
    group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp \
    natural not notnull null offset on only or order outer overlaps placing primary references returning right select session_user \
    similar some symmetric system_user table tablesample then to trailing true union unique user using variadic verbose when where \
    window with";

/// Quotes a bare name where SQL needs it.
pub(super) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_');
    if plain && !RESERVED.split_whitespace().any(|word| word == name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
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
        .map(|word| (edits(unknown, word), *word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map(|(_, word)| word)
}

/// Levenshtein's distance: letters inserted, left out or replaced.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (column, candidate) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *candidate);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
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
