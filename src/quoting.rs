//! Names and strings as SQL takes them.

/// Words that mean themselves only in quotes, of all versions (`pg_get_keywords()`, classes R and T).
const RESERVED: &str = "all analyse analyze and any array as asc asymmetric authorization binary both case cast \
                        check collate collation column concurrently constraint create cross current_catalog \
                        current_date current_role current_schema current_time current_timestamp current_user \
                        default deferrable desc distinct do else end except false fetch for foreign freeze from \
                        full grant group having ilike in initially inner intersect into is isnull join lateral \
                        leading left like limit localtime localtimestamp natural not notnull null offset on only \
                        or order outer overlaps placing primary references returning right select session_user \
                        similar some symmetric system_user table tablesample then to trailing true union unique \
                        user using variadic verbose when where window with";

/// Returns a bare name as an identifier, quoted where SQL needs it.
pub fn identifier(name: &str) -> String {
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

/// Returns text as a string literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", in_literal(text))
}

/// Returns text as it stands between the quotes of a string literal.
pub fn in_literal(text: &str) -> String {
    text.replace('\'', "''")
}

/// Splits a list of identifiers as settings hold it (`app, "My Schema"`) into the names PostgreSQL sees.
pub fn names_of_list(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let (mut quoted, mut was_quoted) = (false, false);
    for character in text.chars() {
        match (character, names.last_mut()) {
            ('"', _) => (quoted, was_quoted) = (!quoted, true),
            (',', _) if !quoted => names.push(String::new()),
            (blank, _) if !quoted && blank.is_whitespace() => {}
            (character, Some(name)) if quoted => name.push(character),
            (character, Some(name)) => name.push(character.to_ascii_lowercase()),
            (_, None) => {}
        }
    }
    if text.trim().is_empty() && !was_quoted {
        names.clear();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names() {
        assert_eq!(
            names_of_list(r#"App, "My Schema",public"#),
            ["app", "My Schema", "public"]
        );
        assert_eq!(names_of_list(" "), [""; 0]);
        assert_eq!(names_of_list(r#""""#), [""]);
    }

    #[test]
    fn names_are_quoted_where_sql_needs_it() {
        for (name, written) in [
            ("orders", "orders"),
            ("_2", "_2"),
            ("2_", "\"2_\""),
            ("Orders", "\"Orders\""),
            ("order", "\"order\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("", "\"\""),
        ] {
            assert_eq!(identifier(name), written);
        }
        assert_eq!(literal("it's"), "'it''s'");
    }
}
