//! An output directory belongs to one run, for every command that measures; results that do not fit there are written
//! elsewhere.

use migtime::observation::Rehearsal;

use crate::bad_input::{Folder, ORDERS, check_refused, run};
use crate::ci_repository::{Repository, text};
use crate::support::{self, Database};

const NOTE: &str = "ALTER TABLE orders ADD COLUMN note text;\n";

#[test]
fn every_command_that_measures_leaves_another_runs_directory_alone() {
    let folder = Folder::new();
    let (out, migration) = (folder.path("out"), folder.file("m.sql", NOTE));
    std::fs::create_dir(&out).expect("directory");
    // As another run does while it is active.
    let mut lock = std::fs::File::create(folder.path("out/.migtime.lock")).expect("file");
    lock.lock().expect("lock");
    std::io::Write::write_all(&mut lock, b"process 4711").expect("written");
    let words = ["another migtime, process 4711, is writing its results into", &out];
    for arguments in [
        &["demo"][..],
        &["bench", "scenarios/simple-backfill"],
        &[
            "compare",
            &migration,
            &migration,
            "--duet",
            "--staging",
            "host=/nowhere",
        ],
    ] {
        let output = run(support::migtime(arguments).args(["--output", &out]));
        check_refused(output, 2, &words);
    }
    let repository = Repository::create("");
    repository.write("db/migrations/0002_note.sql", NOTE);
    check_refused(run(&mut repository.ci(&["--output", &out])), 2, &words);
    assert_eq!(folder.names("out"), [".migtime.lock"]);
}

#[test]
fn a_comparison_keeps_the_one_before_it_and_is_not_replaced_by_nothing() {
    let database = Database::create_alone();
    database.execute(ORDERS);
    let folder = Folder::new();
    let (url, out) = (database.url(), folder.path("out"));
    let duet = |new: &str, name: &str| {
        let (base, new) = (folder.file("base.sql", NOTE), folder.file(name, new));
        let arguments = [
            "compare",
            &base,
            &new,
            "--duet",
            "--staging",
            &url,
            "--output",
            &out,
            "--runs",
            "1",
        ];
        run(&mut support::migtime(&arguments))
    };
    let saved = |name: &str| {
        let text = std::fs::read_to_string(folder.path("out") + "/" + name).unwrap_or_default();
        Rehearsal::from_json(&text, name).ok()
    };
    // One run each is too little to judge, but enough to be saved.
    duet(NOTE, "first.sql");
    let first = saved("new.json").expect("measured");
    duet(
        "ALTER TABLE orders ADD CONSTRAINT negative CHECK (id < 0);",
        "second.sql",
    );
    assert_eq!(saved("new.json").as_ref(), Some(&first), "the second measured nothing");
    assert!(saved("new.previous.json").is_none());
    duet(NOTE, "third.sql");
    assert!(saved("new.json").expect("measured").migration.contains("third"));
    assert_eq!(saved("new.previous.json"), Some(first));
}

#[cfg(target_os = "linux")]
#[test]
fn reports_of_a_pull_request_go_elsewhere_when_the_disk_takes_none() {
    let database = Database::create_alone();
    database.execute("CREATE TABLE \"Orders\" (id bigint PRIMARY KEY)");
    let repository = Repository::create("");
    repository.write(
        "db/migrations/0002_paid.sql",
        "ALTER TABLE \"Orders\" ADD COLUMN paid boolean;\n",
    );
    std::fs::create_dir(repository.path("tmp")).expect("directory");
    // Not even root can create a directory there.
    let mut command = repository.ci(&["--output", "/sys/ci"]);
    command
        .env("MIGTIME_STAGING_URL", database.url())
        .env("TMPDIR", repository.path("tmp"));
    let words = ["error: cannot write /sys/ci/summary.md", "; the results are in "];
    let output = check_refused(run(&mut command), 2, &words);
    assert!(
        text(&output.stdout).contains("1 migration"),
        "the summary is printed all the same"
    );
    let entries = std::fs::read_dir(repository.path("tmp")).expect("directory");
    let refuge = entries
        .map(|entry| entry.expect("entry").path())
        .next()
        .expect("a directory");
    for name in [
        "ci/summary.md",
        "ci/junit.xml",
        "0002_paid/plan.json",
        "0002_paid/rehearsal.json",
        "0002_paid/report.html",
    ] {
        assert!(refuge.join(name).exists(), "{name}: {}", text(&output.stderr));
    }
}
