//! Turning statements into steps: transactions, required tables, and large numbers of statements.

use migtime::migration::{BatchOptions, StepKind, parse, tables_of};

use super::migration_fixture::{check_refused, planned};

#[test]
fn transactions_are_numbered_and_are_no_steps() {
    let found = planned(
        "SET lock_timeout = '1s';\nBEGIN;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n\
         ALTER TABLE orders ADD COLUMN a int;\nCREATE INDEX ON orders (a);\nEND;\n\
         START TRANSACTION;\nDROP TABLE x;\nROLLBACK;\nVACUUM orders;",
        &BatchOptions::default(),
    )
    .expect("plans");
    let shown: Vec<_> = found
        .iter()
        .map(|step| (step.number, step.line, step.kind, step.transaction_block))
        .collect();
    assert_eq!(
        shown,
        [
            (1, 1, StepKind::CatalogOnly, None),
            (2, 4, StepKind::CatalogOnly, Some(1)),
            (3, 5, StepKind::IndexBuild, Some(1)),
            (4, 8, StepKind::CatalogOnly, Some(2)),
            (5, 10, StepKind::TableScan, None),
        ]
    );
    assert_eq!(found[1].table.as_deref(), Some("public.orders"));
    assert_eq!(
        found[3].notes,
        ["its transaction ends in ROLLBACK; rehearsed as if committed"]
    );
    check_refused(
        "BEGIN;\nDROP TABLE x;",
        "m.sql:1: this transaction is never committed: it is rolled back when psql ends its session",
    );
    check_refused(
        "BEGIN;\nSAVEPOINT a;\nROLLBACK TO a;\nCOMMIT",
        "m.sql:3: a rehearsal cannot go back to a savepoint",
    );
}

#[test]
fn tables_are_named_as_written_and_only_those_that_exist_before() {
    let statements = parse(
        "CREATE TABLE new (id int); UPDATE new SET id = 1; ALTER TABLE Orders RENAME TO old; DELETE FROM old;\n\
         UPDATE public.\"T\" SET a = 1 FROM view_of_things; CREATE INDEX ON s . u (a); DELETE FROM Orders;\n\
         INSERT INTO n SELECT * FROM a, b AS c WHERE c.id BETWEEN <batch_start> AND <batch_end>; DROP TABLE x, y;\n\
         WITH w AS (SELECT 1) DELETE FROM w2 USING w WHERE w.id BETWEEN <batch_start> AND <batch_end>",
        "m.sql",
    )
    .expect("parses");
    assert_eq!(
        tables_of(&statements),
        ["Orders", "public.\"T\"", "s.u", "n", "a", "b", "x", "y", "w2"]
    );
}

#[test]
fn a_renamed_table_is_not_taken_for_the_new_one() {
    let found = planned(
        "ALTER TABLE orders RENAME TO orders_old; CREATE TABLE orders (id bigint); DELETE FROM orders",
        &BatchOptions::default(),
    )
    .expect("plans");
    assert_eq!(found[2].batching, None);
    assert_eq!(found[2].notes, ["orders is not in the catalog yet: runs whole"]);
}

#[test]
fn a_megabyte_of_statements_is_planned() {
    let text =
        "UPDATE orders SET a = 'x;y' WHERE id BETWEEN <batch_start> AND <batch_end> AND b IS NULL;\n".repeat(11_500);
    assert!(text.len() > 1_000_000);
    let found = planned(&text, &BatchOptions::default()).expect("plans");
    assert_eq!(found.len(), 11_500);
}
