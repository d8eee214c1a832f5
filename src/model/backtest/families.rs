//! The families, as data: a third of the full product of five properties for work in batches, and eight kinds of single
//! statements.
//!
//! The product of {packed, fillfactor 70, aged} × {narrow, wide key} × {fits the cache, exceeds it} × {rows, sparse
//! key range} × {update, delete, insert-select} has 72 cells. Each of the eight combinations of the properties with two
//! values meets each state of the table once and each kind of work once, in a Latin square that is shifted by how many
//! of the two-valued properties are at their second value: 24 families in which every property is balanced against
//! every other, except that a state meets a kind two or three times.
//! Source: Box, Hunter & Hunter (2005), Statistics for Experimenters, chapters 4 and 6.

use super::family::{Family, WalkedWork, Work};

/// How the table lies on disk before the migration.
const STATES: [&str; 3] = ["packed", "fillfactor", "aged"];
/// What is done, and the rows that take a few seconds.
const KINDS: [(&str, u64); 3] = [("update", 250_000), ("delete", 1_500_000), ("insert", 500_000)];
const KEYS: [&str; 2] = ["narrow", "wide"];
const WALKS: [&str; 2] = ["rows", "range"];
const CACHES: [&str; 2] = ["fits", "exceeds"];

/// Batches of a whole walk, about: enough for a part of it to be evidence.
const BATCHES: u64 = 1_000;
/// One in this many values of a sparse key exists.
const SPARSENESS: u64 = 5;

/// Single statements: name, rows, further set-up, migration. The checks are for statements that take over a second
/// where that is possible; `SET NOT NULL` only reads.
const STATEMENTS: [(&str, u64, &str, &str); 8] = [
    ("index-build", 2_500_000, "", "CREATE INDEX t_amount ON t (amount, grp)"),
    ("index-text", 2_000_000, "", "CREATE INDEX t_code ON t (code)"),
    ("index-unique", 2_500_000, "", "CREATE UNIQUE INDEX t_once ON t (other)"),
    (
        "index-concurrently",
        2_000_000,
        "",
        "CREATE INDEX CONCURRENTLY t_grp_amount ON t (grp, amount)",
    ),
    (
        "rewrite",
        1_500_000,
        "",
        "ALTER TABLE t ALTER COLUMN amount TYPE bigint",
    ),
    (
        "foreign-key",
        2_500_000,
        "ALTER TABLE t ADD CONSTRAINT t_parent FOREIGN KEY (grp) REFERENCES parents NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT t_parent",
    ),
    (
        "check",
        2_500_000,
        "ALTER TABLE t ADD CONSTRAINT t_note CHECK (note !~ 'y{3}z') NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT t_note",
    ),
    (
        "not-null",
        3_000_000,
        "",
        "ALTER TABLE t ALTER COLUMN amount SET NOT NULL",
    ),
];

/// Values of `grp`, the column of the index in random order.
const GROUPS: u64 = 200_003;

/// Returns all families, in a fixed order.
pub fn all() -> Vec<Family> {
    let walks = (0..8).flat_map(|cell| (0..STATES.len()).map(move |state| walk(cell, state)));
    walks.chain((0..STATEMENTS.len()).map(statement)).collect()
}

/// Returns the family of a combination of the two-valued properties, `cell` from 0 to 7, and a state of the table.
fn walk(cell: usize, state: usize) -> Family {
    let (key, by_range, cache) = (cell & 1, cell >> 1 & 1, cell >> 2 & 1);
    let level = key + by_range + cache;
    let (kind, rows) = KINDS[(state + level) % KINDS.len()];
    let properties = [kind, WALKS[by_range], STATES[state], KEYS[key], CACHES[cache]];
    let (wide, by_rows) = (key == 1, by_range == 0);
    Family {
        name: properties.join("-"),
        // Half of each state, and half of each value of the other properties.
        judges: (level + state) % 2 == 1,
        rows,
        exceeds_cache: cache == 1,
        setup: walked_tables(STATES[state], kind, wide, by_rows),
        work: Work::Walk(work(kind, wide, by_rows, rows)),
    }
}

fn work(kind: &str, wide: bool, by_rows: bool, rows: u64) -> WalkedWork {
    let (statement, predicate) = match kind {
        "update" => ("UPDATE t SET done = amount + 1", "done IS NULL"),
        "delete" => ("DELETE FROM t", "amount < 40"),
        _ => ("INSERT INTO archive SELECT id, grp, amount, note FROM t", "amount >= 0"),
    };
    let affected = if kind == "delete" { rows * 2 / 5 } else { rows };
    WalkedWork {
        table: "t".to_string(),
        key: if wide && by_rows { "code" } else { "id" }.to_string(),
        statement: statement.to_string(),
        predicate: predicate.to_string(),
        batch_size: if by_rows { affected } else { rows * SPARSENESS } / BATCHES,
        by_rows,
    }
}

/// Returns the SQL that makes the tables of a walk. A wide key is a text of 44 characters: the key of the walk by rows,
/// in the order of the heap; or, where an integer must be walked, the key of the second index, in random order.
fn walked_tables(state: &str, kind: &str, wide: bool, by_rows: bool) -> String {
    let storage = if state == "fillfactor" {
        " WITH (fillfactor = 70)"
    } else {
        ""
    };
    let id = if by_rows {
        "n".to_string()
    } else {
        format!("{SPARSENESS} * n + n % 3")
    };
    let code = match (wide, by_rows) {
        (true, true) => "lpad(to_hex(n), 12, '0') || md5((n # :seed)::text)",
        (true, false) => "md5((n # :seed)::text) || lpad(to_hex(n), 12, '0')",
        (false, _) => "''",
    };
    let primary = if wide && by_rows { "code" } else { "id" };
    let second = if wide && !by_rows { "code" } else { "grp" };
    let mut sql = format!(
        "CREATE TABLE t (id bigint NOT NULL, code text NOT NULL, grp int NOT NULL, amount int NOT NULL, done int, note \
         text NOT NULL){storage};\n\
         INSERT INTO t SELECT {id}, {code}, {grp}, n * 37 % 100, NULL, {note} \
         FROM generate_series(1, :rows::bigint) AS n;\n\
         ALTER TABLE t ADD PRIMARY KEY ({primary});\nCREATE INDEX t_second ON t ({second});\n",
        grp = random_group(),
        note = note(),
    );
    if kind == "insert" {
        sql += "CREATE TABLE archive (id bigint PRIMARY KEY, grp int NOT NULL, amount int NOT NULL, \
                note text NOT NULL);\n\
                CREATE INDEX archive_grp ON archive (grp);\n";
    }
    if state == "aged" {
        // Two rounds that each move a quarter of the rows to free space elsewhere, as months of use do.
        for round in 1..=2 {
            sql += &format!("UPDATE t SET note = note || 'a' WHERE hashint8(id + {round}) % 4 = 0;\nVACUUM t;\n");
        }
    }
    sql
}

fn statement(number: usize) -> Family {
    let (name, rows, further, migration) = STATEMENTS[number];
    let mut setup = format!(
        "CREATE TABLE parents (grp int PRIMARY KEY);\nINSERT INTO parents SELECT generate_series(0, {GROUPS});\n\
         CREATE TABLE t (id bigint PRIMARY KEY, other bigint NOT NULL, code text NOT NULL, grp int NOT NULL, \
         amount int, note text NOT NULL);\n\
         INSERT INTO t SELECT n, n * 7919 % 1000000007, md5((n # :seed)::text), {grp}, n * 37 % 100, {note} \
         FROM generate_series(1, :rows::bigint) AS n;\nCREATE INDEX t_grp ON t (grp);\n",
        grp = random_group(),
        note = note(),
    );
    if !further.is_empty() {
        setup += &format!("{further};\n");
    }
    Family {
        name: name.to_string(),
        judges: number % 2 == 1,
        rows,
        exceeds_cache: false,
        setup,
        work: Work::Statement(migration.to_string()),
    }
}

/// A value of `grp` that has nothing to do with the order of the rows: keys that recur regularly would fill an index in
/// step with the heap.
fn random_group() -> String {
    format!("(hashint8(n # :seed)::bigint & 2147483647) % {GROUPS}")
}

/// A note of 0 to 127 characters.
fn note() -> &'static str {
    "repeat('x', hashint8(n + :seed) & 127)"
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn walks() -> Vec<Vec<String>> {
        let walks = all().into_iter().filter(|family| matches!(family.work, Work::Walk(_)));
        walks
            .map(|family| family.name.split('-').map(str::to_string).collect())
            .collect()
    }

    #[test]
    fn there_are_as_many_as_the_documents_say_and_half_of_them_judge() {
        let all = all();
        let names: BTreeSet<&str> = all.iter().map(|family| family.name.as_str()).collect();
        assert_eq!((all.len(), names.len()), (32, 32));
        let judging = |statements: bool| {
            let all = all
                .iter()
                .filter(|family| matches!(family.work, Work::Statement(_)) == statements);
            all.filter(|family| family.judges).count()
        };
        assert_eq!((judging(false), judging(true)), (12, 4));
    }

    #[test]
    fn every_pair_of_properties_is_balanced() {
        let walks = walks();
        for one in 0..5 {
            for other in one + 1..5 {
                let mut cells = BTreeMap::new();
                for walk in &walks {
                    *cells.entry((&walk[one], &walk[other])).or_insert(0) += 1;
                }
                let counts: BTreeSet<i32> = cells.values().copied().collect();
                // Kind and state, 0 and 2, have nine cells for 24 families.
                let expected: &[i32] = if (one, other) == (0, 2) {
                    &[2, 3]
                } else {
                    &[24 / cells.len() as i32]
                };
                assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected, "{one} and {other}");
            }
        }
    }

    #[test]
    fn each_property_is_half_in_those_that_judge() {
        let all = all();
        for value in [
            "packed",
            "fillfactor",
            "aged",
            "narrow",
            "wide",
            "rows",
            "range",
            "fits",
            "exceeds",
        ] {
            let with: Vec<&Family> = all
                .iter()
                .filter(|family| family.name.split('-').any(|one| one == value))
                .collect();
            let judging = with.iter().filter(|family| family.judges).count();
            assert_eq!(2 * judging, with.len(), "{value}");
        }
    }

    #[test]
    fn their_sql_is_understood() {
        for family in all() {
            let variables = [("rows", "1000"), ("seed", "7")];
            let setup = crate::migration::substitute(&family.setup, &family.name, &variables).expect("variables");
            assert!(crate::migration::parse(&setup, &family.name).expect("SQL").len() >= 4);
            assert_eq!(
                crate::migration::parse(&family.migration(), &family.name)
                    .expect("SQL")
                    .len(),
                1
            );
        }
    }
}
