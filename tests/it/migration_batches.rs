//! Which statements are batched, why, and what their batches look like as SQL.

use migtime::migration::{BatchOptions, RecognisedBy, StepKind, Tables, Walk, parse, steps};

use super::migration_fixture::{
    batching, check_refused, check_whole, column, facts_of, in_batches, only, planned, rendered,
};

#[test]
fn the_usual_backfill_with_placeholders() {
    let batching = batching(
        "UPDATE orders SET customer_id = user_id WHERE customer_id IS NULL AND id BETWEEN <batch_start> AND \
         <batch_end>;",
    );
    assert_eq!(
        (batching.table.as_str(), batching.alias.as_str()),
        ("public.orders", "orders")
    );
    assert_eq!(batching.key, [column("id", "bigint")]);
    assert_eq!((batching.walk, batching.batch_size), (Walk::Rows, 5_000));
    assert_eq!(batching.predicate.as_deref(), Some("customer_id IS NULL"));
    assert_eq!(batching.recognised_by, RecognisedBy::Placeholders);
    assert_eq!(
        rendered(&batching, &["1"], &["5000"]),
        "UPDATE orders SET customer_id = user_id WHERE customer_id IS NULL AND id BETWEEN 1 AND 5000"
    );
}

#[test]
fn placeholders_of_every_form() {
    let check = |condition: &str, expected: &str| {
        let found = batching(&format!("DELETE FROM orders WHERE {condition}"));
        assert_eq!(
            rendered(&found, &["3"], &["9"]),
            format!("DELETE FROM orders WHERE {expected}")
        );
        assert_eq!(found.predicate, None);
    };
    check("id >= :batch_start AND id <= :batch_end", "id >= 3 AND id <= 9");
    check("id >= <batch_start> AND id < <batch_end>", "id >= 3 AND id <= 9");
    check("id > <batch_start> AND id<=<batch_end>", "id >= 3 AND id<=9");
    check("<batch_start> <= id AND <batch_end> > id", "3 <= id AND 9 >= id");
    check(
        "(orders.id BETWEEN :'batch_start'::bigint AND (:batch_end))",
        "(orders.id BETWEEN 3::bigint AND (9))",
    );
    check("ID BETWEEN<batch_start>AND<batch_end>", "ID BETWEEN 3 AND 9");
}

#[test]
fn what_hides_text_hides_placeholders() {
    let found = batching(
        "UPDATE orders SET note = '<batch_start>' || E'\\'<batch_end>' || $$<batch_end>$$ -- :batch_end\n\
         WHERE /* <batch_start> */ id BETWEEN <batch_start> AND <batch_end> AND \":batch_end\" = x::batch_start",
    );
    assert_eq!(
        rendered(&found, &["1"], &["2"]),
        "UPDATE orders SET note = '<batch_start>' || E'\\'<batch_end>' || $$<batch_end>$$ -- :batch_end\n\
         WHERE /* <batch_start> */ id BETWEEN 1 AND 2 AND \":batch_end\" = x::batch_start"
    );
    assert_eq!(found.predicate.as_deref(), Some("\":batch_end\" = x::batch_start"));
    let step = only("DO $$ BEGIN UPDATE orders SET a = 1 WHERE id BETWEEN <batch_start> AND <batch_end>; END $$");
    assert_eq!((step.kind, step.batching), (StepKind::Unclassified, None));
}

#[test]
fn quoted_names_and_composite_keys() {
    let quoted =
        batching("DELETE FROM \"Order Lines\" AS l WHERE l.\"Id\" BETWEEN <batch_start> AND <batch_end> AND l.x = 1");
    assert_eq!(quoted.key, [column("\"Id\"", "uuid")]);
    assert_eq!(
        (quoted.alias.as_str(), quoted.predicate.as_deref()),
        ("l", Some("l.x = 1"))
    );
    assert_eq!(
        rendered(&quoted, &["a0"], &["b0"]),
        "DELETE FROM \"Order Lines\" AS l WHERE l.\"Id\" BETWEEN 'a0'::uuid AND 'b0'::uuid AND l.x = 1"
    );
    let composite = batching("UPDATE events SET a = 1 WHERE (tenant_id, id) BETWEEN <batch_start> AND <batch_end>");
    assert_eq!(
        rendered(&composite, &["1", "7"], &["2", "-1"]),
        "UPDATE events SET a = 1 WHERE (tenant_id, id) BETWEEN (1, 7) AND (2, '-1'::bigint)"
    );
    let other_key = only("UPDATE orders SET a = 1 WHERE created_at >= <batch_start> AND created_at < <batch_end>");
    assert_eq!(
        rendered(
            other_key.batching.as_ref().expect("batched"),
            &["2024-01-01 00:00:00.000001+00"],
            &["2024-02-01 00:00:00+00"]
        ),
        "UPDATE orders SET a = 1 WHERE created_at >= '2024-01-01 00:00:00.000001+00'::timestamp with time zone \
         AND created_at <= '2024-02-01 00:00:00+00'::timestamp with time zone"
    );
    assert!(other_key.notes[1].starts_with("(created_at) is not the table's own key"));
}

#[test]
fn joins_walk_the_table_that_is_written_unless_told_otherwise() {
    let joined = batching(
        "UPDATE orders o SET name = u.name FROM users u \
         WHERE u.id = o.user_id AND o.id BETWEEN <batch_start> AND <batch_end> AND o.name IS NULL AND u.name <> ''",
    );
    assert_eq!((joined.table.as_str(), joined.alias.as_str()), ("public.orders", "o"));
    assert_eq!(joined.predicate.as_deref(), Some("o.name IS NULL"));
    let by_source = batching(
        "DELETE FROM orders USING users u WHERE u.id = orders.user_id AND u.id BETWEEN <batch_start> AND <batch_end>",
    );
    assert_eq!(
        (by_source.table.as_str(), by_source.alias.as_str()),
        ("public.users", "u")
    );
    let bare = batching(
        "DELETE FROM orders USING users WHERE user_id = users.id AND customer_id BETWEEN <batch_start> AND <batch_end>",
    );
    assert_eq!(bare.key, [column("customer_id", "bigint")]);
}

#[test]
fn inserts_and_with_clauses_walk_their_source() {
    let copied = batching(
        "INSERT INTO archive (id) SELECT o.id FROM orders AS o JOIN users u ON u.id = o.user_id \
         WHERE o.id >= <batch_start> AND o.id < <batch_end> AND o.created_at < now() ON CONFLICT DO NOTHING",
    );
    assert_eq!((copied.table.as_str(), copied.alias.as_str()), ("public.orders", "o"));
    assert_eq!(copied.predicate.as_deref(), Some("o.created_at < now()"));
    assert!(rendered(&copied, &["1"], &["2"]).contains("o.id >= 1 AND o.id <= 2 AND"));
    let with = batching(
        "WITH batch AS (SELECT id FROM orders WHERE id BETWEEN :batch_start AND :batch_end AND a IS NULL FOR UPDATE) \
         UPDATE orders SET a = 1 FROM batch WHERE orders.id = batch.id",
    );
    assert_eq!(
        (with.table.as_str(), with.predicate.as_deref()),
        ("public.orders", Some("a IS NULL"))
    );
}

#[test]
fn placeholders_that_cannot_be_followed_are_refused() {
    let where_clause = |condition: &str| format!("SELECT 1;\nUPDATE orders SET a = 1\nWHERE {condition};");
    let check = |condition: &str, message: &str| check_refused(&where_clause(condition), message);
    check("id >= <batch_start>", "m.sql:3: <batch_end> is missing");
    check("id <= :batch_end", "m.sql:3: <batch_start> is missing");
    for condition in [
        "abs(id) BETWEEN <batch_start> AND <batch_end>",
        "id BETWEEN <batch_start> AND <batch_end> OR a IS NULL",
        "id + 0 BETWEEN <batch_start> AND <batch_end>",
        "id::text BETWEEN <batch_start> AND <batch_end>",
        "id NOT BETWEEN <batch_start> AND <batch_end>",
        "id BETWEEN <batch_end> AND <batch_start>",
    ] {
        let message = "the placeholders are not compared with plain columns in a condition that every row must meet";
        check(condition, &format!("m.sql:3: {message}"));
    }
    check(
        "id > <batch_start> AND id < <batch_end>",
        "m.sql:3: the window leaves out both its ends, so a loop over it would skip rows",
    );
    check(
        "id > <batch_start> AND user_id <= <batch_end>",
        "m.sql:3: the placeholders are not compared with the same columns of one table",
    );
    check(
        "ids BETWEEN <batch_start> AND <batch_end>",
        "m.sql:2: orders has no column ids to walk by",
    );
    check_refused(
        "UPDATE ordres SET a = 1 WHERE id BETWEEN <batch_start> AND <batch_end>",
        "m.sql:1: ordres is not in the catalog, so its key is not known",
    );
    check_refused(
        "BEGIN;\nDELETE FROM orders WHERE id BETWEEN <batch_start> AND <batch_end>;\nCOMMIT;",
        "m.sql:2: placeholders inside a transaction: every batch is a transaction of its own",
    );
    check_refused(
        "SELECT backfill(<batch_start>, <batch_end>)",
        "m.sql:1: only UPDATE, DELETE and INSERT … SELECT can be batched",
    );
    check_refused(
        "-- migtime: no-batch\nDELETE FROM orders WHERE id BETWEEN <batch_start> AND <batch_end>",
        "m.sql:2: placeholders in a statement that a migtime comment keeps whole",
    );
    check_refused(
        "-- migtime: batch key=user_id\nDELETE FROM orders WHERE id BETWEEN <batch_start> AND <batch_end>",
        "m.sql:2: the migtime comment says key (user_id), but the placeholders are compared with (id)",
    );
    check_refused(
        "-- migtime: batch walk=key-range\nDELETE FROM events WHERE (tenant_id, id) BETWEEN <batch_start> AND \
         <batch_end>",
        "m.sql:2: a key-range walk needs a key of one whole-number column, and public.events is walked by (tenant_id, \
         id)",
    );
}

#[test]
fn placeholders_count_through_an_integer_key_with_few_gaps() {
    let sql = "DELETE FROM orders WHERE x AND id BETWEEN <batch_start> AND <batch_end>";
    let statements = parse(sql, "m.sql").expect("valid");
    let walk = |values_between, asked| {
        let mut orders = facts_of("orders").expect("the fixture has it");
        orders.indexes[0].values_between = values_between;
        let tables = Tables::from([("orders".to_owned(), orders)]);
        let options = BatchOptions {
            walk: asked,
            ..BatchOptions::default()
        };
        let step = steps(&statements, &tables, &options).expect("plans").remove(0);
        let counts = step.notes.iter().any(|note| note.contains("few gaps"));
        (step.batching.expect("batched").walk, counts)
    };
    assert_eq!(walk(Some(6e6), None), (Walk::KeyRange, true));
    assert_eq!(walk(Some(11.9e6), None), (Walk::KeyRange, true));
    assert_eq!(walk(Some(12.1e6), None), (Walk::Rows, false));
    assert_eq!(walk(None, None), (Walk::Rows, false));
    assert_eq!(walk(Some(6e6), Some(Walk::Rows)), (Walk::Rows, false));
    assert_eq!(walk(Some(1e9), Some(Walk::KeyRange)), (Walk::KeyRange, false));
}

#[test]
fn bare_statements_on_big_tables_are_batched_by_their_key_where_batches_are_asked_for() {
    let step =
        only("UPDATE ONLY public.orders AS o SET a = 1 FROM users u WHERE u.id = o.user_id OR o.x RETURNING o.id");
    assert_eq!(step.notes, ["batched by its primary key (id), 5,000 rows a batch"]);
    assert_eq!(step.table.as_deref(), Some("public.orders"));
    let found = step.batching.expect("batched");
    assert_eq!(found.recognised_by, RecognisedBy::TableSize);
    assert_eq!(
        rendered(&found, &["1"], &["2"]),
        "UPDATE ONLY public.orders AS o SET a = 1 FROM users u \
         WHERE (o.id >= 1 AND o.id <= 2) AND (u.id = o.user_id OR o.x) RETURNING o.id"
    );
    let whole_table = batching("DELETE FROM events");
    assert_eq!(
        rendered(&whole_table, &["1", "2"], &["3", "4"]),
        "DELETE FROM events WHERE (events.tenant_id, events.id) >= (1, 2) AND (events.tenant_id, events.id) <= (3, 4)"
    );
    let options = BatchOptions {
        batch_size: Some(250),
        walk: Some(Walk::KeyRange),
        ..in_batches()
    };
    let step = planned("DELETE FROM orders", &options).expect("plans").remove(0);
    assert_eq!(
        step.notes,
        ["batched by ranges of its primary key (id), 250 key values a batch"]
    );
}

#[test]
fn a_bare_statement_is_the_one_statement_that_its_tool_sends() {
    let check = |sql: &str, by: &str| {
        let step = planned(sql, &BatchOptions::default()).expect("plans").remove(0);
        assert_eq!((step.kind, &step.batching), (StepKind::Dml, &None), "{sql}");
        let advice = format!(
            "one statement, as psql sends it, which holds its locks to its end; in batches by {by} they would be \
             short: rehearse that with --batch-size 5000"
        );
        assert_eq!(step.notes, [advice], "{sql}");
    };
    check("UPDATE orders SET a = 1", "(id)");
    check("DELETE FROM events WHERE a", "(tenant_id, id)");
    check("UPDATE logs SET line = ''", "blocks");
    let small = planned("DELETE FROM users", &BatchOptions::default()).expect("plans");
    assert_eq!(small[0].notes, [""; 0]);
}

#[test]
fn tables_without_a_key_are_walked_by_blocks() {
    let step = only("UPDATE logs SET line = '' WHERE line IS NULL");
    assert_eq!(
        step.notes,
        [
            "batched by blocks, 125 a batch",
            "rows that the update moves to a later block may be visited twice"
        ]
    );
    let found = step.batching.expect("batched");
    assert_eq!((found.walk, found.key.len(), found.batch_size), (Walk::Blocks, 0, 125));
    assert_eq!(
        rendered(&found, &["0"], &["124"]),
        "UPDATE logs SET line = '' WHERE (logs.ctid >= '(0,0)'::tid AND logs.ctid < '(125,0)'::tid) AND (line IS NULL)"
    );
    check_whole("DELETE FROM parts", "a partitioned table without a key");
}

#[test]
fn what_cannot_be_cut_runs_whole_and_says_why() {
    check_whole("DELETE FROM users", "");
    check_whole("DELETE FROM unknown_table", "unknown_table is not in the catalog yet");
    check_whole(
        "DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE a LIMIT 1000)",
        "one iteration of a loop",
    );
    check_whole(
        "WITH x AS (SELECT id FROM public.orders LIMIT 10) DELETE FROM public.orders o USING x WHERE o.id = x.id",
        "one iteration of a loop",
    );
    check_whole(
        "WITH x AS (SELECT 1) UPDATE orders SET a = 1",
        "its WITH clause would run once a batch",
    );
    check_whole("UPDATE orders SET a = 1 WHERE CURRENT OF c", "follows a cursor");
    check_whole(
        "/* migtime: no-batch */ DELETE FROM orders",
        "kept whole by a migtime comment",
    );
    check_whole(
        "INSERT INTO orders SELECT * FROM events",
        "runs whole; to cut it by the key of the table it reads",
    );
    check_whole("INSERT INTO orders VALUES (1)", "");
    check_whole("INSERT INTO orders SELECT max(id) FROM events", "");
    let step = planned("BEGIN; DELETE FROM orders; COMMIT", &BatchOptions::default())
        .expect("plans")
        .remove(0);
    assert_eq!((step.kind, step.transaction_block), (StepKind::Dml, Some(1)));
    assert_eq!(step.notes, ["inside a transaction: not batched"]);
    let lookup = batching("UPDATE orders SET a = (SELECT name FROM users LIMIT 1)");
    assert_eq!(lookup.recognised_by, RecognisedBy::TableSize);
}

#[test]
fn directives_are_followed() {
    let small = batching("-- migtime: batch size=50\nDELETE FROM users WHERE name IS NULL");
    assert_eq!((small.recognised_by, small.batch_size), (RecognisedBy::Directive, 50));
    assert_eq!(small.predicate.as_deref(), Some("name IS NULL"));
    let keyed = batching("DELETE FROM orders; -- migtime: batch key=(user_id, \"id\")");
    assert_eq!(keyed.key, [column("user_id", "bigint"), column("id", "bigint")]);
    let copied = batching("/* migtime: batch */ INSERT INTO archive SELECT * FROM orders o WHERE o.a ORDER BY id");
    assert_eq!(
        rendered(&copied, &["1"], &["2"]),
        "INSERT INTO archive SELECT * FROM orders o WHERE (o.id >= 1 AND o.id <= 2) AND (o.a) ORDER BY id"
    );
    check_refused(
        "-- migtime: batch\nINSERT INTO archive SELECT DISTINCT a FROM orders",
        "m.sql:2: this cannot be batched: DISTINCT would give another result for each window",
    );
    check_refused(
        "-- migtime: batch\nINSERT INTO users VALUES (1)",
        "m.sql:2: this cannot be batched: its rows do not come from one SELECT over a table",
    );
    check_refused(
        "-- migtime: batch\nCREATE INDEX ON orders (a)",
        "m.sql:2: only UPDATE, DELETE and INSERT … SELECT can be batched",
    );
    check_refused(
        "-- migtime: batch key=nope\nDELETE FROM orders",
        "m.sql:2: orders has no column nope to walk by",
    );
}
