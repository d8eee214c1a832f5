//! Statements that change the key along which they would be walked.

use migtime::migration::{BatchOptions, RecognisedBy, Walk};

use super::migration_fixture::{batching, check_refused, check_whole, column, in_batches, only, planned};

#[test]
fn a_bare_update_of_its_own_key_runs_whole() {
    let check = |sql: &str, column: &str| {
        check_whole(sql, "");
        let note = format!("not batched: it changes its own key column {column}");
        assert_eq!(only(sql).notes, [note], "{sql}");
    };
    check("UPDATE orders SET id = id + 1000000000", "id");
    check("UPDATE ONLY public.orders AS o SET user_id = 1, ID = o.id + 1", "id");
    check("UPDATE orders SET \"id\" = 1 WHERE user_id = 2", "id");
    check("UPDATE \"Order Lines\" SET \"Id\" = gen_random_uuid()", "\"Id\"");
    check("UPDATE events SET (a, tenant_id) = (1, 2)", "tenant_id");
    check("UPDATE events SET (id, a) = (SELECT 1, 2)", "id");
    check("UPDATE events SET (id) = ROW(1)", "id");
    let by_blocks = BatchOptions {
        walk: Some(Walk::Blocks),
        ..in_batches()
    };
    let step = planned("UPDATE orders SET id = id + 1", &by_blocks)
        .expect("plans")
        .remove(0);
    assert_eq!(step.batching.expect("blocks have no key").walk, Walk::Blocks);
    for other_column in [
        "UPDATE \"Order Lines\" SET id = 1",
        "UPDATE orders SET \"ID\" = 1",
        "UPDATE orders SET user_id = id, (a, b) = (SELECT id, id FROM users WHERE users.id = user_id)",
    ] {
        assert_eq!(batching(other_column).recognised_by, RecognisedBy::TableSize);
    }
}

#[test]
fn a_walk_over_a_key_that_the_update_changes_is_refused() {
    let check = |sql: &str, place: &str, column: &str, hint: &str| {
        let message = format!("{place}: this cannot be batched: it changes its own key column {column}");
        check_refused(sql, &message);
        let error = planned(sql, &BatchOptions::default()).expect_err(sql);
        assert_eq!(error.hint(), Some(hint), "{sql}");
    };
    let directive = |sql: &str, place: &str, column: &str| {
        let hint = "walk by another key (key=…), or write: -- migtime: no-batch";
        check(sql, place, column, hint);
    };
    directive("-- migtime: batch\nUPDATE orders SET id = id + 1", "m.sql:2", "id");
    directive(
        "-- migtime: batch key=created_at\nUPDATE orders\nSET a = 1,\n  Created_At = now()",
        "m.sql:4",
        "created_at",
    );
    directive(
        "-- migtime: batch key=(user_id, \"id\") walk=rows\nUPDATE orders SET (a, ID) = (1, 2)",
        "m.sql:2",
        "id",
    );
    let placeholders = |sql: &str, place: &str, column: &str| {
        let hint = "compare another key with the placeholders, or take them out and write: -- migtime: no-batch";
        check(sql, place, column, hint);
    };
    placeholders(
        "UPDATE orders\nSET id = id + 1 WHERE id BETWEEN <batch_start> AND <batch_end>",
        "m.sql:2",
        "id",
    );
    placeholders(
        "UPDATE \"Order Lines\" l SET \"Id\" = x WHERE l.\"Id\" BETWEEN :batch_start AND :batch_end",
        "m.sql:1",
        "\"Id\"",
    );
    placeholders(
        "UPDATE events SET (a, id) = ROW(1, 2) WHERE (tenant_id, id) BETWEEN <batch_start> AND <batch_end>",
        "m.sql:1",
        "id",
    );
    placeholders(
        "WITH batch AS (SELECT id FROM public.orders WHERE id BETWEEN <batch_start> AND <batch_end>)\n\
         UPDATE orders SET id = batch.id + 1 FROM batch WHERE orders.id = batch.id",
        "m.sql:2",
        "id",
    );
    placeholders(
        "WITH moved AS (UPDATE orders SET id = 1 WHERE id BETWEEN <batch_start> AND <batch_end> RETURNING id)\n\
         INSERT INTO archive SELECT * FROM moved",
        "m.sql:1",
        "id",
    );
}

#[test]
fn a_walk_over_a_key_that_stays_may_change_others() {
    let by_id = batching("-- migtime: batch\nUPDATE orders SET created_at = now()");
    assert_eq!(by_id.key, [column("id", "bigint")]);
    let by_other = batching("-- migtime: batch key=user_id\nUPDATE orders SET id = id + 1");
    assert_eq!(by_other.key, [column("user_id", "bigint")]);
    let by_source = batching(
        "UPDATE orders SET id = u.id FROM users u WHERE u.id = user_id AND u.id BETWEEN <batch_start> AND <batch_end>",
    );
    assert_eq!(by_source.table, "public.users");
    check_whole(
        "-- migtime: no-batch\nUPDATE orders SET id = id + 1",
        "kept whole by a migtime comment",
    );
}
