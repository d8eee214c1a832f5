//! A rehearsal on an almost empty clone promises nothing for a production that is not.

use crate::bad_input::{Folder, check_done, check_error};
use crate::support::Database;

/// A clone with `rows` rows and a production with 40,000; both have a small table of the same size.
struct Pair {
    clone: Database,
    production: Database,
    folder: Folder,
}

impl Pair {
    fn create(rows: u32) -> Pair {
        let clone = Database::create();
        let production = clone.create_beside();
        for (database, rows) in [(&clone, rows), (&production, 40_000)] {
            database.execute(&format!(
                "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric, paid boolean);
                 INSERT INTO orders SELECT n, n FROM generate_series(1, {rows}) AS n;
                 CREATE TABLE kinds (id int PRIMARY KEY, name text);
                 INSERT INTO kinds SELECT n, 'x' FROM generate_series(1, 5) AS n;
                 ANALYZE"
            ));
        }
        let folder = Folder::new();
        Pair {
            clone,
            production,
            folder,
        }
    }

    fn arguments(&self, sql: &str, options: &[&str]) -> Vec<String> {
        let (file, out) = (self.folder.file("m.sql", sql), self.folder.path("out"));
        let (staging, production) = (self.clone.url(), self.production.url());
        let fixed = [
            "rehearse",
            &file,
            "--output",
            &out,
            "--staging",
            &staging,
            "--production",
            &production,
            "--sandbox",
        ];
        let all = fixed.iter().chain(options);
        all.map(ToString::to_string).collect()
    }

    fn check_refused(&self, sql: &str, words: &[&str]) {
        let arguments = self.arguments(sql, &["--budget", "1000h", "--full"]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        check_error(&arguments, 5, words);
        // The file promises no more than the run that wrote it.
        let file = self.folder.path("out/rehearsal.json");
        check_error(&["report", &file, "--budget", "1000h"], 5, words);
        let junit = check_done(&["report", &file, "--provisional", "--format", "junit"]);
        assert!(junit.contains("too little evidence to promise a duration"), "{junit}");
        let gates = ["report", &file, "--provisional", "--budget", "1000h"];
        check_error(&gates, 5, &["whether it keeps the budget of ", "is not known: "]);
        let gates = ["report", &file, "--provisional", "--deny", "access-exclusive>1h"];
        check_error(&gates, 5, &["too little evidence for a gate"]);
    }
}

const EMPTY: &str = "the clone's table public.orders has 0 rows, production's 40,000: rehearse on a fuller clone";

#[test]
fn an_empty_clone_promises_nothing_whatever_the_statement() {
    let pair = Pair::create(0);
    for sql in [
        "SELECT 1;\nUPDATE orders SET paid = true WHERE id BETWEEN <batch_start> AND <batch_end>;",
        "UPDATE orders SET paid = true WHERE total > 5;",
        "CREATE INDEX ON orders (total);",
        "CREATE INDEX CONCURRENTLY ON orders (total);",
        "ALTER TABLE orders ALTER COLUMN total TYPE text;",
        "ALTER TABLE orders ALTER COLUMN total SET NOT NULL;",
    ] {
        pair.check_refused(sql, &[EMPTY, "hint: rehearse on a clone nearer to production's size"]);
    }
    let created = "ALTER TABLE orders ALTER COLUMN total SET NOT NULL;\nCREATE TABLE copy AS SELECT * FROM orders;\n\
                   CREATE INDEX ON copy (id);";
    pair.check_refused(created, &[EMPTY, "step 2: the clone's table public.orders has 0 rows"]);
    let renamed = "ALTER TABLE orders RENAME TO sales;\nUPDATE sales SET paid = true;";
    pair.check_refused(renamed, &[EMPTY]);
}

#[test]
fn a_clone_with_a_few_rows_promises_nothing_either() {
    let pair = Pair::create(3);
    let few = "the clone's table public.orders has 3 rows, production's 40,000: rehearse on a fuller clone";
    // None of its rows matches the condition, so no share of rows is known.
    for sql in [
        "SELECT 1;\nUPDATE orders SET paid = true WHERE total > 100 AND id BETWEEN <batch_start> AND <batch_end>;",
        "DELETE FROM orders WHERE total > 100;",
    ] {
        pair.check_refused(sql, &[few]);
    }
}

#[test]
fn what_touches_no_row_or_few_is_promised_on_an_empty_clone_too() {
    let pair = Pair::create(0);
    let sql = "ALTER TABLE orders ADD COLUMN note text;\nUPDATE kinds SET name = 'y';\nSELECT 1;";
    let arguments = pair.arguments(sql, &["--budget", "1000h"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    check_done(&arguments);
}
