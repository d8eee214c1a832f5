//! `migtime ci` in a real repository on a throwaway server: new migrations are rehearsed and judged, and every report
//! is written.

use super::ci_repository::{Repository, shallow_clone, text};
use super::published_schemas;
use super::support::Database;

const GENEROUS: &str = "\
[budget]
window = \"1h\"
duration = \"1h\"
wal = \"100GB\"
disk = \"100GB\"
[budget.longest]
access-exclusive = \"30m\"
[throwaway]
fill = \"db/fill.sql\"
rows = 3000
";

const MIGRATION: &str = "\
ALTER TABLE \"Orders\" ADD COLUMN paid boolean;
ALTER TABLE \"Orders\" ALTER COLUMN total TYPE numeric(12, 2);
CREATE INDEX \"by status\" ON \"Orders\" (status);
";

/// Every report, those on all migrations and those on each one.
const REPORTS: [&str; 9] = [
    "summary.md",
    "junit.xml",
    "migtime.sarif",
    "gl-code-quality-report.json",
    "metrics.txt",
    "benchmark.json",
    "bencher.json",
    "github-annotations.txt",
    "github-outputs.txt",
];
const REPORTS_OF_ONE: [&str; 8] = [
    "plan.json",
    "plan.md",
    "rehearsal.json",
    "estimate.json",
    "report.html",
    "report.md",
    "observations.csv",
    "steps.csv",
];

#[test]
fn a_generous_budget_passes_and_every_report_is_there() {
    let repository = Repository::create(GENEROUS);
    repository.write("db/migrations/0002_paid.sql", MIGRATION);
    repository.commit("a migration");
    let (stdout, stderr) = repository.check(&mut repository.ci(&[]), 0);
    assert!(stdout.contains("## migtime: 1 migration, no gate said no"), "{stdout}");
    assert!(stdout.contains("`db/migrations/0002_paid.sql`"), "{stdout}");
    assert!(!stdout.contains("0001_orders"), "the base is not judged: {stdout}");
    assert!(stderr.contains("1 migration is new since "), "{stderr}");

    let all = REPORTS.map(|file| format!("reports/ci/{file}"));
    let of_one = REPORTS_OF_ONE.map(|file| format!("reports/ci/0002_paid/{file}"));
    for file in all.iter().chain(&of_one) {
        let text = repository.read(file);
        if file.ends_with(".json") || file.ends_with(".sarif") {
            serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
        for kind in ["plan", "rehearsal", "estimate"] {
            if file.ends_with(&format!("/{kind}.json")) {
                published_schemas::check(kind, &text);
            }
        }
    }
    let suites = junit_parser::from_reader(repository.read(&all[1]).as_bytes()).expect("JUnit XML");
    // One case per statement, and one for the whole.
    assert_eq!((suites.tests, suites.failures, suites.errors), (4, 0, 0));
    assert!(repository.read(&all[4]).ends_with("# EOF\n"));
    let rehearsal: serde_json::Value = serde_json::from_str(&repository.read(&of_one[2])).expect("JSON");
    assert_eq!(rehearsal["kind"], "rehearsal");
    assert_eq!(
        rehearsal["tables"][0]["estimated_rows"], 3000.0,
        "the fill was run after the base's migrations"
    );
    let estimate: serde_json::Value = serde_json::from_str(&repository.read(&of_one[3])).expect("JSON");
    assert_eq!(estimate["total"]["fits_window"]["window_seconds"], 3600.0);
    assert!(repository.read(&of_one[4]).starts_with("<!doctype html>"));
}

#[test]
fn a_tight_budget_fails_by_each_of_its_limits() {
    let tight = "[budget]\nduration = \"1ms\"\nwal = \"1kB\"\ndisk = \"1kB\"\n[budget.longest]\naccess-exclusive = \
                 \"1us\"\n\
                 [throwaway]\nfill = \"db/fill.sql\"\nrows = 3000\n";
    let repository = Repository::create(tight);
    // Not committed, like a person who tries it before the commit.
    repository.write("db/migrations/0002_paid.sql", MIGRATION);
    let (stdout, stderr) = repository.check(&mut repository.ci(&[]), 1);
    assert!(stderr.contains("error: db/migrations/0002_paid.sql:1: "), "{stderr}");
    for expected in [
        "**error** MT001 `db/migrations/0002_paid.sql:1`",
        "access-exclusive = \"1us\" in migtime.toml",
        "**error** MT003 `db/migrations/0002_paid.sql:1`: may take up to ",
        "the budget is 1ms",
        "**error** MT004",
        "**error** MT005",
    ] {
        assert!(stdout.contains(expected), "{expected} is not in {stdout}");
    }
    let suites = junit_parser::from_reader(repository.read("reports/ci/junit.xml").as_bytes()).expect("JUnit XML");
    assert!(suites.failures > 0);
}

#[test]
fn nothing_new_passes_and_says_so() {
    let repository = Repository::create("");
    let (stdout, stderr) = repository.check(&mut repository.ci(&[]), 0);
    assert!(
        stderr.contains("no migration is new since ") && stderr.contains("nothing to judge"),
        "{stderr}"
    );
    assert!(stdout.contains("0 migrations"), "{stdout}");
    repository.read("reports/ci/junit.xml");
}

#[test]
fn a_migration_that_fails_is_named_and_those_behind_it_are_not_tried() {
    let repository = Repository::create(GENEROUS);
    repository.write(
        "db/migrations/0002_good.sql",
        "ALTER TABLE \"Orders\" ADD COLUMN paid boolean;\n",
    );
    repository.write(
        "db/migrations/0003_bad.sql",
        "SELECT 1;\nCREATE INDEX ON nowhere (id);\n",
    );
    repository.write("db/migrations/0004_late.sql", "SELECT 2;\n");
    let (stdout, stderr) = repository.check(&mut repository.ci(&[]), 4);
    assert!(stderr.contains("\"nowhere\" does not exist"), "{stderr}");
    assert!(stdout.contains("MT007 `db/migrations/0003_bad.sql:2`"), "{stdout}");
    assert!(
        stdout.contains(
            "`db/migrations/0004_late.sql:1`: not rehearsed, because db/migrations/0003\\_bad.sql before it failed"
        ),
        "{stdout}"
    );
    assert!(stdout.contains("| `db/migrations/0002_good.sql` | pass |"), "{stdout}");
}

#[test]
fn a_changed_migration_is_flagged_and_the_next_one_stands_on_those_before_it() {
    let repository = Repository::create(GENEROUS);
    repository.write(
        "db/migrations/0001_orders.sql",
        "CREATE TABLE \"Orders\" (id bigint PRIMARY KEY, status text, total numeric, added int);\n",
    );
    repository.write(
        "db/migrations/0002_paid.sql",
        "ALTER TABLE \"Orders\" ADD COLUMN paid boolean;\n",
    );
    repository.write(
        "db/migrations/0003_backfill.sql",
        "UPDATE \"Orders\" SET paid = true WHERE id BETWEEN <batch_start> AND <batch_end>;\n",
    );
    repository.write(
        "db/migrations/0004_strict.sql",
        "ALTER TABLE \"Orders\" ALTER COLUMN paid SET NOT NULL;\n",
    );
    let (stdout, _) = repository.check(&mut repository.ci(&[]), 0);
    assert!(
        stdout.contains("warning MT122 `db/migrations/0001_orders.sql:1`: changed although the base has it"),
        "{stdout}"
    );
    // The constraint holds only if the backfill was really run completely.
    for file in ["0002_paid", "0003_backfill", "0004_strict"] {
        assert!(
            stdout.contains(&format!("| `db/migrations/{file}.sql` | pass |")),
            "{stdout}"
        );
    }
    let strict: serde_json::Value =
        serde_json::from_str(&repository.read("reports/ci/0004_strict/rehearsal.json")).expect("JSON");
    assert!(strict["steps"][0]["passed_over"].is_null(), "{strict}");
}

#[test]
fn too_little_evidence_fails_unless_it_is_allowed() {
    let thin =
        "[rehearsal]\nbatch_size = 20\nmax_duration = \"1ms\"\n[throwaway]\nfill = \"db/fill.sql\"\nrows = 60000\n";
    let repository = Repository::create(thin);
    repository.write(
        "db/migrations/0002_backfill.sql",
        "-- migtime: batch\nUPDATE \"Orders\" SET total = total + 1;\n",
    );
    let (stdout, stderr) = repository.check(&mut repository.ci(&[]), 5);
    assert!(
        stderr.contains("hint: ") && stderr.contains("allow_too_little_evidence"),
        "{stderr}"
    );
    assert!(stdout.contains("**error** MT008"), "{stdout}");
    repository.read("reports/ci/0002_backfill/report.html");

    let allowed = thin.replace("[rehearsal]\n", "[rehearsal]\nallow_too_little_evidence = true\n");
    repository.write("migtime.toml", &allowed);
    let (stdout, _) = repository.check(&mut repository.ci(&[]), 0);
    assert!(stdout.contains("warning MT008"), "{stdout}");
}

#[test]
fn a_migration_that_became_slower_than_its_baseline_is_a_regression() {
    let compared = "[rehearsal]\nruns = 5\n[throwaway]\nfill = \"db/fill.sql\"\nrows = 3000\n\
                    [regression]\nbaseline = \"baseline\"\nmargin = \"10%\"\n";
    let repository = Repository::create(compared);
    repository.write("db/migrations/0002_index.sql", "CREATE INDEX ON \"Orders\" (status);\n");
    let (_, stderr) = repository.check(&mut repository.ci(&[]), 0);
    assert!(stderr.contains("no baseline yet"), "{stderr}");
    // The same runs, a thousand times as fast and as slow, which exceeds any effect of other load on this machine.
    for (factor, code) in [(0.001, 1), (1000.0, 0)] {
        let text = repository.read("reports/ci/0002_index/rehearsal.json");
        let mut baseline: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for step in baseline["steps"].as_array_mut().expect("steps") {
            for observation in step["observations"].as_array_mut().expect("observations") {
                for key in ["seconds", "elapsed"] {
                    observation[key] = (observation[key].as_f64().expect("a number") * factor).into();
                }
            }
        }
        repository.write("baseline/rehearsal.json", &baseline.to_string());
        let (stdout, _) = repository.check(&mut repository.ci(&[]), code);
        assert_eq!(
            stdout.contains("**error** MT006 `db/migrations/0002_index.sql:1`"),
            code == 1,
            "{stdout}"
        );
        repository.read("reports/ci/comparison.md");
    }
}

#[test]
fn the_base_is_the_target_branch_and_a_clone_without_it_is_refused() {
    let repository = Repository::create("");
    repository.write("db/migrations/0002_paid.sql", MIGRATION);
    repository.commit("a migration");
    repository.git(&["branch", "release"]);
    // Compared with a branch that already has it, nothing is new, and no server is started.
    for variable in ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"] {
        let (_, stderr) = repository.check(repository.ci(&[]).env(variable, "release"), 0);
        assert!(stderr.contains("no migration is new since "), "{stderr}");
    }
    let (_, stderr) = repository.check(&mut repository.ci(&["--base", "release"]), 0);
    assert!(stderr.contains("no migration is new since "), "{stderr}");
    for missing in ["nowhere", "--all", "HEAD..main", "$(touch pwned)"] {
        let (_, stderr) = repository.check(&mut repository.ci(&[&format!("--base={missing}")]), 2);
        assert!(
            stderr.contains(&format!("error: the base {missing} is not in this clone")),
            "{stderr}"
        );
    }
    assert!(!repository.path("pwned").exists());

    let clone = tempfile::tempdir().expect("temporary directory");
    shallow_clone(&repository, clone.path());
    for base in [None, Some("main")] {
        let mut command = repository.ci(&[]);
        command.current_dir(clone.path());
        if let Some(base) = base {
            command.env("GITHUB_BASE_REF", base);
        }
        let (_, stderr) = repository.check(&mut command, 2);
        assert!(
            stderr.contains("shallow") && stderr.contains("fetch-depth: 0"),
            "{stderr}"
        );
    }
}

#[test]
fn bad_input_is_one_line() {
    let repository = Repository::create("[budget]\n\nwindwo = \"30m\"\n");
    repository.write("db/migrations/0002_paid.sql", MIGRATION);
    let (_, stderr) = repository.check(&mut repository.ci(&[]), 2);
    assert!(stderr.contains("migtime.toml:3: unknown key \"windwo\""), "{stderr}");
    let (_, stderr) = repository.check(&mut repository.ci(&["--config", "none.toml"]), 2);
    assert!(stderr.contains("cannot read none.toml"), "{stderr}");
    let elsewhere = tempfile::tempdir().expect("temporary directory");
    std::fs::write(elsewhere.path().join("m.sql"), "SELECT 1;").expect("file");
    let mut command = super::support::migtime(&["ci", "m.sql"]);
    let output = command
        .current_dir(elsewhere.path())
        .output()
        .expect("the program runs");
    super::ci_repository::check_code(&output, 2);
    assert!(
        text(&output.stderr).contains("not a git repository"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_staging_clone_is_copied_and_stays_as_it_was() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE \"Orders\" (id bigint PRIMARY KEY, status text, total numeric); \
         INSERT INTO \"Orders\" SELECT n, 'new', n FROM generate_series(1, 500) AS n; ANALYZE",
    );
    let repository = Repository::create("");
    repository.write(
        "db/migrations/0002_paid.sql",
        "ALTER TABLE \"Orders\" ADD COLUMN paid boolean;\n",
    );
    repository.write(
        "db/migrations/0003_unpaid.sql",
        "ALTER TABLE \"Orders\" DROP COLUMN paid;\n",
    );
    let mut command = repository.ci(&[]);
    let (stdout, _) = repository.check(command.env("MIGTIME_STAGING_URL", database.url()), 0);
    assert!(stdout.contains("2 migrations, no gate said no"), "{stdout}");
    let mut client = database.client();
    let count = |client: &mut postgres::Client, sql: &str| client.query_one(sql, &[]).expect(sql).get::<_, i64>(0);
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'Orders'";
    assert_eq!(count(&mut client, columns), 3);
    let copies = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = '{}'",
        database.name()
    );
    assert_eq!(count(&mut client, &copies), 0);
}

#[test]
fn on_github_annotations_summary_and_outputs_go_where_the_runner_wants_them() {
    let repository = Repository::create("[budget]\nduration = \"1ms\"\n");
    repository.write("db/migrations/0002_paid.sql", MIGRATION);
    repository.write("summary", "before\n");
    let mut command = repository.ci(&["--output", "out dir"]);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", repository.path("summary"))
        .env("GITHUB_OUTPUT", repository.path("outputs"));
    let (stdout, _) = repository.check(&mut command, 1);
    assert!(
        stdout.contains("::error file=db/migrations/0002_paid.sql,line=1,title=migtime MT003"),
        "{stdout}"
    );
    assert!(
        repository
            .read("summary")
            .starts_with("before\n## migtime: 1 of 1 migration stopped by 1 finding")
    );
    assert!(
        repository
            .read("outputs")
            .starts_with("verdict=fail\nmigrations=1\nerrors=1\n")
    );
    repository.read("out dir/summary.md");
}
