//! The differences between two schemas, in words: objects that are gone, objects that are new, attributes that changed.
//!
//! Pure. If an object is gone or new as a whole, its parts are not mentioned: the columns of a table that is gone are
//! gone too.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::snapshot::{Attribute, ObjectName, SchemaObject, SchemaSnapshot};

/// The attribute with a column's position in its table.
const PLACE: &str = "place";
/// The attribute that holds the values of an enum.
const ENUM_VALUES: &str = "enum values";
/// Number of characters of a value that are shown.
const SHOWN: usize = 120;

/// One difference between an earlier and a later schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchemaDifference {
    /// The object, such as `column public.orders.note`.
    pub object: String,
    /// How it changed.
    pub change: SchemaChange,
    /// The same in words, without a full stop.
    pub sentence: String,
    /// Whether no SQL can restore it, such as a column's position or a value added to an enum.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unavoidable: bool,
}

/// How an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemaChange {
    /// It was removed.
    Gone,
    /// It was added.
    Added,
    /// It was modified.
    Changed,
}

/// Returns the differences of `after` from `before`, ordered by class and name; empty if there are none.
pub fn differences(before: &SchemaSnapshot, after: &SchemaSnapshot) -> Vec<SchemaDifference> {
    let moved = moved_columns(before, after);
    let mut found = Vec::new();
    for (name, was) in &before.objects {
        match after.objects.get(name) {
            Some(is) => compare(name, was, is, moved.contains(name), &mut found),
            None if is_reported_itself(was, after, before) => {
                found.push(difference(name, SchemaChange::Gone, format!("{name} is gone")))
            }
            None => {}
        }
    }
    for (name, is) in &after.objects {
        if !before.objects.contains_key(name) && is_reported_itself(is, before, after) {
            let validity = is
                .attribute("validity")
                .map(|validity| format!(" and is {validity}"))
                .unwrap_or_default();
            let sentence = format!("{name} was not there before{validity}");
            found.push(difference(name, SchemaChange::Added, sentence));
        }
    }
    found
}

fn difference(name: &ObjectName, change: SchemaChange, sentence: String) -> SchemaDifference {
    SchemaDifference {
        object: name.to_string(),
        change,
        sentence,
        unavoidable: false,
    }
}

/// Returns whether the object must be mentioned itself, because all objects it is a part of also exist in `other`.
fn is_reported_itself(object: &SchemaObject, other: &SchemaSnapshot, own: &SchemaSnapshot) -> bool {
    let has = |snapshot: &SchemaSnapshot, whole: &str| {
        whole
            .match_indices(' ')
            .any(|(place, _)| snapshot.object(&whole[..place], &whole[place + 1..]).is_some())
    };
    object.part_of.iter().all(|whole| has(other, whole) || !has(own, whole))
}

fn compare(name: &ObjectName, was: &SchemaObject, is: &SchemaObject, moved: bool, found: &mut Vec<SchemaDifference>) {
    let attributes: BTreeSet<&String> = was.attributes.keys().chain(is.attributes.keys()).collect();
    for attribute in attributes {
        let (old, new) = (was.attributes.get(attribute), is.attributes.get(attribute));
        if old == new || (attribute == PLACE && !moved) {
            continue;
        }
        let changed = |sentence| difference(name, SchemaChange::Changed, sentence);
        match (old, new) {
            (Some(old), Some(new)) if attribute == PLACE => found.push(SchemaDifference {
                unavoidable: true,
                ..changed(format!("{name} came back at place {new}, was at {old}"))
            }),
            (old @ (Some(Attribute::List(_)) | None), new @ (Some(Attribute::List(_)) | None)) => {
                compare_lists(name, attribute, old, new, found);
            }
            (Some(old), Some(new)) => {
                let (old, new) = (shown(old), shown(new));
                found.push(changed(format!("{name}: {attribute} is {new}, was {old}")));
            }
            (Some(old), None) => found.push(changed(format!("{name}: {attribute} is gone, was {}", shown(old)))),
            (None, Some(new)) => found.push(changed(format!("{name}: {attribute} is {}, was not set", shown(new)))),
        }
    }
}

/// Compares two lists: reports which items are gone and which are new, or both lists when only the order changed.
fn compare_lists(
    name: &ObjectName,
    attribute: &str,
    old: Option<&Attribute>,
    new: Option<&Attribute>,
    found: &mut Vec<SchemaDifference>,
) {
    let items = |list: Option<&Attribute>| list.map(Attribute::items).unwrap_or_default();
    let (old, new) = (items(old), items(new));
    let what = match attribute {
        "privileges" => "privilege".to_owned(),
        ENUM_VALUES => "enum value".to_owned(),
        other => other.to_owned(),
    };
    let before = found.len();
    for item in old.iter().filter(|item| !new.contains(item)) {
        let sentence = format!("{name}: {what} {} is gone", shortened(item));
        found.push(difference(name, SchemaChange::Changed, sentence));
    }
    for item in new.iter().filter(|item| !old.contains(item)) {
        let is_enum = attribute == ENUM_VALUES;
        let why = if is_enum {
            ": ALTER TYPE … ADD VALUE cannot be undone"
        } else {
            ""
        };
        let sentence = format!("{name}: {what} {} was not there before{why}", shortened(item));
        found.push(SchemaDifference {
            unavoidable: is_enum,
            ..difference(name, SchemaChange::Changed, sentence)
        });
    }
    if found.len() == before {
        let (old, new) = (shortened(&old.join(", ")), shortened(&new.join(", ")));
        let sentence = format!("{name}: order of {attribute} is {new}, was {old}");
        found.push(difference(name, SchemaChange::Changed, sentence));
    }
}

/// Returns the columns that changed their position relative to the others: the smallest set that explains the new
/// order.
fn moved_columns(before: &SchemaSnapshot, after: &SchemaSnapshot) -> BTreeSet<ObjectName> {
    let mut tables: BTreeMap<&str, Vec<(i64, i64, &ObjectName)>> = BTreeMap::new();
    for (name, was) in &before.objects {
        let is = after.objects.get(name);
        let places = (place(was), is.and_then(place));
        if let (Some(table), (Some(old), Some(new))) = (was.part_of.first().map(String::as_str), places) {
            tables.entry(table).or_default().push((old, new, name));
        }
    }
    let mut moved = BTreeSet::new();
    for columns in tables.values_mut() {
        columns.sort_by_key(|(old, ..)| *old);
        let new_places: Vec<i64> = columns.iter().map(|(_, new, _)| *new).collect();
        let kept = longest_increasing(&new_places);
        let elsewhere = columns.iter().enumerate().filter(|(index, _)| !kept.contains(index));
        moved.extend(elsewhere.map(|(_, (.., name))| (*name).clone()));
    }
    moved
}

fn place(object: &SchemaObject) -> Option<i64> {
    match object.attributes.get(PLACE)? {
        Attribute::Number(place) => Some(*place),
        _ => None,
    }
}

/// Returns the indexes of a longest increasing subsequence.
fn longest_increasing(values: &[i64]) -> BTreeSet<usize> {
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let earlier = (0..index).filter(|earlier| values[*earlier] < *value);
        let before = earlier.max_by_key(|earlier| best[*earlier].0);
        best.push((before.map_or(1, |before| best[before].0 + 1), before));
    }
    let mut kept = BTreeSet::new();
    let mut next = (0..values.len()).max_by_key(|index| best[*index].0);
    while let Some(index) = next {
        kept.insert(index);
        next = best[index].1;
    }
    kept
}

fn shown(value: &Attribute) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a snapshot from lines `class|part of|name|attributes as JSON`.
    fn snapshot(lines: &[&str]) -> SchemaSnapshot {
        let mut snapshot = SchemaSnapshot::default();
        for line in lines {
            let [class, part_of, name, attributes] = line.splitn(4, '|').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            snapshot.objects.insert(
                ObjectName {
                    class: class.to_owned(),
                    name: name.to_owned(),
                },
                SchemaObject {
                    part_of: part_of
                        .split(',')
                        .filter(|whole| !whole.is_empty())
                        .map(str::to_owned)
                        .collect(),
                    attributes: serde_json::from_str(attributes).expect("attributes"),
                },
            );
        }
        snapshot
    }

    fn check(before: &[&str], after: &[&str], expected: &[&str]) {
        let found = differences(&snapshot(before), &snapshot(after));
        let sentences: Vec<&str> = found.iter().map(|found| found.sentence.as_str()).collect();
        assert_eq!(sentences, expected);
    }

    #[test]
    fn a_whole_is_told_of_without_its_parts() {
        let table = ["table||public.t|{}", "column|table public.t|public.t.a|{\"place\": 1}"];
        check(&table, &[], &["table public.t is gone"]);
        check(&[], &table, &["table public.t was not there before"]);
        check(&table, &table, &[]);
        check(&table, &["table||public.t|{}"], &["column public.t.a is gone"]);
        let key = [
            "index|constraint t_pkey on public.t|public.t_pkey|{}",
            "constraint|table public.t|t_pkey on public.t|{}",
        ];
        check(
            &[&table[..], &key].concat(),
            &table,
            &["constraint t_pkey on public.t is gone"],
        );
    }

    #[test]
    fn what_is_inherited_is_told_once() {
        let parent = ["table||p|{}", "table||c|{}", "column|table p|p.a|{\"place\": 1}"];
        let child = "column|table c,column p.a|c.a|{\"place\": 1}";
        check(&[&parent[..], &[child]].concat(), &parent[..2], &["column p.a is gone"]);
        check(
            &[&parent[..], &[child]].concat(),
            &[parent[0], parent[2]],
            &["table c is gone"],
        );
    }

    #[test]
    fn only_the_column_that_moved_is_told() {
        let columns = |names: &str| -> Vec<String> {
            let places = names.chars().enumerate();
            let lines = places.map(|(index, name)| format!("column|table t|t.{name}|{{\"place\": {}}}", index + 1));
            lines.chain(["table||t|{}".to_owned()]).collect()
        };
        let check_order = |before: &str, after: &str, expected: &[&str]| {
            let (before, after) = (columns(before), columns(after));
            let lines = |lines: &[String]| lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
            let (before, after) = (lines(&before), lines(&after));
            check(
                &before.lines().collect::<Vec<_>>(),
                &after.lines().collect::<Vec<_>>(),
                expected,
            );
        };
        check_order("abcdefg", "abdefgc", &["column t.c came back at place 7, was at 3"]);
        check_order("abc", "bc", &["column t.a is gone"]);
        check_order("abc", "xabc", &["column t.x was not there before"]);
    }

    #[test]
    fn lists_are_compared_by_item() {
        check(
            &["type||public.mood|{\"enum values\": [\"'sad'\", \"'ok'\"]}"],
            &["type||public.mood|{\"enum values\": [\"'sad'\", \"'ok'\", \"'glad'\"]}"],
            &["type public.mood: enum value 'glad' was not there before: ALTER TYPE … ADD VALUE cannot be undone"],
        );
        check(
            &["view||public.v|{\"privileges\": [\"SELECT to reader\"]}"],
            &["view||public.v|{}"],
            &["view public.v: privilege SELECT to reader is gone"],
        );
        check(
            &["type||t|{\"enum values\": [\"a\", \"b\"]}"],
            &["type||t|{\"enum values\": [\"b\", \"a\"]}"],
            &["type t: order of enum values is b, a, was a, b"],
        );
    }

    #[test]
    fn attributes_say_what_they_were() {
        check(
            &["column||t.a|{\"type\": \"integer\", \"NULL\": \"refused\"}"],
            &["column||t.a|{\"type\": \"bigint\", \"comment\": \"x\"}"],
            &[
                "column t.a: NULL is gone, was refused",
                "column t.a: comment is x, was not set",
                "column t.a: type is bigint, was integer",
            ],
        );
        check(
            &[],
            &["index||i|{\"validity\": \"INVALID: no query uses it\"}"],
            &["index i was not there before and is INVALID: no query uses it"],
        );
    }
}
