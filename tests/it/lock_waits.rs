//! Waits for locks of other sessions are distinguished from work: the report names them, and the estimate leaves them
//! out.

use migtime::model::estimate::Estimate;
use migtime::observation::{Rehearsal, StepRecord};

use crate::bad_input::{BACKFILL, Folder, ORDERS, finished, start};
use crate::published_schemas;
use crate::support::{self, Database, await_condition};

/// Rehearses `sql` while another session runs `hold`, until the rehearsal has waited for it for two seconds.
fn rehearsed(hold: &str, sql: &str) -> (Folder, Rehearsal) {
    let database = Database::create();
    database.execute(ORDERS);
    let folder = Folder::new();
    let (migration, url, out) = (folder.file("m.sql", sql), database.url(), folder.path("out"));
    let mut holder = database.client();
    let mut held = holder.transaction().expect("a transaction");
    held.batch_execute(hold).expect(hold);
    let child = start(&mut support::migtime(&[
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--full",
        "--batch-size",
        "10",
        "--lock-timeout",
        "10m",
        // Allows the session that holds the lock.
        "--waive",
        "clients",
    ]));
    let mut client = database.client();
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock' \
                 AND clock_timestamp() - query_start > interval '2 seconds')";
    await_condition("the rehearsal waits", || {
        client.query_one(waits, &[]).expect("row").get(0)
    });
    held.rollback().expect("released");
    let output = finished(child);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let rehearsal = folder.rehearsal();
    (folder, rehearsal)
}

/// Checks that one observation has waited for `what`, and that predictions and reports do not count the wait as work.
fn check(folder: &Folder, step: &StepRecord, what: &str) {
    let waits = step
        .observations
        .iter()
        .filter_map(|observation| observation.waited_seconds);
    let waits: Vec<f64> = waits.collect();
    let [waited] = waits[..] else {
        panic!("one wait, not {waits:?}")
    };
    assert!(waited > 1.5, "{waited} s");
    let named: Vec<&str> = step.waits.iter().map(|wait| wait.waiting_for.as_str()).collect();
    assert_eq!(named, [what]);
    let text = std::fs::read_to_string(folder.path("out/estimate.json")).expect("estimate.json");
    published_schemas::check("estimate", &text);
    let estimate: Estimate = serde_json::from_str(&text).expect("an estimate");
    let worked: f64 = step
        .observations
        .iter()
        .map(|observation| observation.working_seconds())
        .sum();
    let point = estimate.total.point_seconds;
    assert!(
        point < worked + 0.5 * waited,
        "{point} s predicted, {worked} s worked, {waited} s waited"
    );
    let longest = step
        .observations
        .iter()
        .map(|observation| observation.seconds)
        .fold(0.0, f64::max);
    assert!(
        longest > waited && longest - waited < 0.5 * waited,
        "{longest} s, of which {waited} s waited"
    );
    let held = estimate.steps[0]
        .locks
        .iter()
        .filter_map(|lock| lock.held_seconds)
        .fold(0.0, f64::max);
    assert!(held < 0.5 * waited, "held for {held} s, waited {waited} s");
    let report = std::fs::read_to_string(folder.path("out/report.md")).expect("report.md");
    assert!(report.contains("waited for other sessions on the clone"), "{report}");
    assert!(
        estimate
            .warnings
            .iter()
            .any(|warning| warning.contains("for other sessions on the clone"))
    );
}

#[test]
fn a_batch_that_waits_for_a_row_has_not_worked_meanwhile() {
    let (folder, rehearsal) = rehearsed("UPDATE orders SET customer_id = 0 WHERE id = 2005", BACKFILL);
    check(&folder, &rehearsal.steps[0], "Lock: transactionid");
}

#[test]
fn a_statement_that_waits_for_its_table_has_not_worked_meanwhile() {
    let (folder, rehearsal) = rehearsed(
        "LOCK TABLE orders IN SHARE MODE",
        "ALTER TABLE orders ADD COLUMN note text;",
    );
    check(&folder, &rehearsal.steps[0], "Lock: relation");
}
