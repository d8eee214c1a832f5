//! Versions in the names of files, and the order they give.

use std::cmp::Ordering;

/// Returns the leading digits of a name if `_` follows them, and the text after the `_`.
pub(super) fn numbered(name: &str) -> Option<(&str, &str)> {
    let (version, rest) = split_digits(name)?;
    Some((version, rest.strip_prefix('_')?))
}

/// Returns the leading digits of a name, and the rest.
pub(super) fn split_digits(name: &str) -> Option<(&str, &str)> {
    let length = name
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(name.len());
    (length > 0).then(|| name.split_at(length))
}

/// Returns the numbers of a version: `1.2` and `1_2` are 1 and 2; trailing zeros are ignored.
pub(super) fn numbers(version: &str) -> Option<Vec<u64>> {
    let numbers: Option<Vec<u64>> = version.split(['.', '_']).map(|number| number.parse().ok()).collect();
    let mut numbers = numbers?;
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

/// Compares versions by their numbers, or by their text if they have none.
pub(super) fn by_numbers(one: &str, other: &str) -> Ordering {
    match (numbers(one), numbers(other)) {
        (Some(one_numbers), Some(other_numbers)) => one_numbers.cmp(&other_numbers),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(other),
    }
}

/// Compares names by their leading number, and by their text if the numbers are equal or missing.
pub(super) fn by_leading_number(one: &str, other: &str) -> Ordering {
    let number = |name| split_digits(name).and_then(|(digits, _)| digits.parse::<u64>().ok());
    let numbers = match (number(one), number(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => Ordering::Equal,
    };
    numbers.then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(numbers("0007"), Some(vec![7]));
        assert_eq!(numbers("1_2.0"), Some(vec![1, 2]));
        assert_eq!(numbers("0"), Some(vec![0]));
        assert_eq!(numbers("1.x"), None);
        assert_eq!(by_numbers("10", "9"), Ordering::Greater);
        assert_eq!(by_numbers("1.10", "1.9.5"), Ordering::Greater);
        assert_eq!(by_numbers("1.0", "1"), Ordering::Equal);
        assert_eq!(by_leading_number("10_a", "9_b"), Ordering::Greater);
        assert_eq!(by_leading_number("b", "a"), Ordering::Greater);
        assert_eq!(numbered("0001_a_b.sql"), Some(("0001", "a_b.sql")));
        assert_eq!(numbered("a_1.sql"), None);
    }
}
