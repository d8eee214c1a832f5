//! Gates on a rehearsal: measured hold times decide. Also the documents that `report` produces from it.

use std::path::Path;

use serde_json::Value;

use crate::support::migtime;

struct Ran {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let output = migtime(arguments)
        .current_dir(directory)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        code: output.status.code(),
    }
}

#[test]
fn measured_hold_times_decide_and_documents_are_made_of_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path();
    let write = |name: &str, text: &str| std::fs::write(here.join(name), text).expect("written");
    write(
        "schema.sql",
        "CREATE TABLE t AS SELECT g AS id, g AS a FROM generate_series(1, :rows) g; ANALYZE t;",
    );
    write(
        "0042.sql",
        "-- why\nCREATE INDEX i ON t (a);\nALTER TABLE t ADD COLUMN x int;\n",
    );
    let scratch = ["--scratch", "--schema", "schema.sql", "--rows", "20000"];
    let with = |more: &[&str]| {
        let rehearse = ["rehearse", "0042.sql", "--output", "out"];
        run(here, &[&rehearse[..], &scratch, more].concat())
    };
    // An index build always takes some time, so a gate without a limit is violated on any machine.
    let denied = with(&["--deny", "share", "--deny", "rewrite"]);
    assert_eq!(denied.code, Some(1), "{}", denied.stderr);
    assert!(
        denied
            .stderr
            .contains("0042.sql:2: ShareLock on public.t may be held for up to ")
            && denied
                .stderr
                .contains(" interval, rehearsal), denied by --deny \"share\"")
            && denied.stderr.ends_with("error: a gate said no to 2 statements\n"),
        "{}",
        denied.stderr
    );
    let report = |more: &[&str]| report(here, more);
    let passed = report(&["--deny", "access-exclusive>2h", "--deny", "share>2h"]);
    assert_eq!(passed.code, Some(0), "{}", passed.stderr);
    assert!(
        passed.stdout.replace('\n', " ").contains("on the server's disk."),
        "what is free on this machine is seen: {}",
        passed.stdout
    );

    // Nobody waits for the lock on the index that the statement itself creates.
    let strong = report(&["--deny", "access-exclusive"]);
    assert!(
        strong.stderr.contains("0042.sql:3: ") && !strong.stderr.contains("0042.sql:2: "),
        "{}",
        strong.stderr
    );
    check_documents(&report);
    check_that_the_actual_duration_stays(here);
}

/// Returns the result of `migtime report` on the rehearsal in `here`.
fn report(here: &Path, more: &[&str]) -> Ran {
    run(here, &[&["report", "out/rehearsal.json"], more].concat())
}

/// Checks that every machine-readable document is produced from the rehearsal, and that its gates decide.
fn check_documents(report: &dyn Fn(&[&str]) -> Ran) {
    let sarif = report(&["--format", "sarif", "--deny", "share"]);
    assert_eq!(sarif.code, Some(1));
    let sarif: Value = serde_json::from_str(&sarif.stdout).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (&result["ruleId"], &location["artifactLocation"]["uri"]),
        (&"MT001".into(), &"0042.sql".into())
    );
    let junit = report(&["--format", "junit", "--budget", "1ms"]);
    let suites = junit_parser::from_reader(junit.stdout.as_bytes()).expect("JUnit");
    assert_eq!((suites.tests, suites.failures), (3, 1));
    let benchmark = report(&["--format", "benchmark"]);
    let entries: Value = serde_json::from_str(&benchmark.stdout).expect("JSON");
    assert_eq!(entries[1]["name"], "0042.sql / #1 CREATE INDEX");
    let bencher: Value = serde_json::from_str(&report(&["--format", "bencher"]).stdout).expect("JSON");
    assert!(
        bencher["0042.sql/1-create-index"]["lock-hold"]["value"]
            .as_f64()
            .is_some_and(|held| held > 0.0)
    );
    assert!(report(&["--format", "openmetrics"]).stdout.ends_with("# EOF\n"));
    assert_eq!(report(&["--format", "github"]).stdout, "");
    assert_eq!(report(&["--format", "gitlab"]).stdout, "[]\n");
}

/// Checks that the duration of the whole run, which a demo measured, stays with its estimate.
fn check_that_the_actual_duration_stays(here: &Path) {
    let file = here.join("out/estimate.json");
    let mut estimate: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("there")).expect("JSON");
    estimate["actual_seconds"] = 1.5.into();
    std::fs::write(&file, estimate.to_string()).expect("written");
    assert!(report(here, &[]).stdout.contains("actual 1.5s"));
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("there")).expect("JSON");
    assert_eq!(kept["actual_seconds"], 1.5);
}
