//! When `migtime ci` stops early, at whatever point, none of its files shows success.

use rustix::process::Signal;

use super::bad_input::{finished, send, start};
use super::ci_repository::{Repository, check_code, text};
use super::support::{Database, await_condition};

const TWO: [(&str, &str); 2] = [
    (
        "db/migrations/0002_paid.sql",
        "ALTER TABLE \"Orders\" ADD COLUMN paid boolean;\n",
    ),
    (
        "db/migrations/0003_sent.sql",
        "ALTER TABLE \"Orders\" ADD COLUMN sent boolean;\n",
    ),
];

/// A repository with two new migrations, and with the files of an earlier, successful job.
fn repository(configuration: &str) -> Repository {
    let repository = Repository::create(configuration);
    repository.check(&mut repository.ci(&[]), 0);
    assert!(
        repository
            .read("reports/ci/github-outputs.txt")
            .starts_with("verdict=pass\n")
    );
    for (file, sql) in TWO {
        repository.write(file, sql);
    }
    repository
}

/// Checks that every file with a verdict contains an error for each of `migrations`, with `words`.
fn check_files(repository: &Repository, migrations: &[&str], words: &str) {
    let read = |name: &str| repository.read(&format!("reports/ci/{name}"));
    let json = |name: &str| serde_json::from_str::<serde_json::Value>(&read(name)).expect(name);
    let outputs = read("github-outputs.txt");
    assert!(
        outputs.starts_with(&format!("verdict=fail\nmigrations={}\n", migrations.len())),
        "{outputs}"
    );
    let suites = junit_parser::from_reader(read("junit.xml").as_bytes()).expect("JUnit XML");
    assert_eq!(
        (suites.tests, suites.errors),
        (migrations.len() as u64, migrations.len() as u64)
    );
    let results = json("migtime.sarif")["runs"][0]["results"]
        .as_array()
        .expect("results")
        .clone();
    let issues = json("gl-code-quality-report.json").as_array().expect("issues").clone();
    let (annotations, metrics, summary) = (read("github-annotations.txt"), read("metrics.txt"), read("summary.md"));
    assert_eq!((results.len(), issues.len()), (migrations.len(), migrations.len()));
    for migration in migrations {
        let of = |place: &serde_json::Value| place == migration;
        let result = results
            .iter()
            .find(|one| of(&one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]));
        let result = result.unwrap_or_else(|| panic!("{migration} is not in {results:?}"));
        assert_eq!(
            (&result["level"], &result["ruleId"]),
            (&"error".into(), &"MT010".into())
        );
        let issue = issues
            .iter()
            .find(|one| of(&one["location"]["path"]))
            .expect("an issue");
        assert_eq!(issue["severity"], "critical");
        assert!(issue["description"].as_str().expect("text").contains(words), "{issue}");
        assert!(
            annotations.contains(&format!("::error file={migration},")),
            "{annotations}"
        );
        let sample = format!("migtime_findings{{migration=\"{migration}\",level=\"error\"}} 1\n");
        assert!(metrics.contains(&sample), "{metrics}");
        assert!(
            summary.contains(&format!("**error** MT010 `{migration}:1`")),
            "{summary}"
        );
    }
    let headline = format!("## migtime: {0} of {0} migration", migrations.len());
    assert!(summary.starts_with(&headline), "{summary}");
    assert!(
        summary
            .lines()
            .next()
            .expect("a headline")
            .ends_with(" could not be judged"),
        "{summary}"
    );
}

#[test]
fn a_job_that_cannot_connect_judges_nothing() {
    // The configuration allows thin evidence, but not missing evidence.
    let repository = repository("[rehearsal]\nallow_too_little_evidence = true\n");
    let mut command = repository.ci(&[]);
    command.env("MIGTIME_STAGING_URL", "postgresql://nobody@127.0.0.1:1/nowhere");
    let (stdout, _) = repository.check(&mut command, 3);
    assert!(stdout.contains("could not be judged"), "{stdout}");
    check_files(&repository, &TWO.map(|(file, _)| file), "not judged: cannot connect");
}

#[test]
fn a_job_that_is_refused_judges_nothing() {
    let database = Database::create();
    database.execute("CREATE TABLE \"Orders\" (id bigint PRIMARY KEY, status text, total numeric)");
    let repository = repository("");
    repository.write(TWO[1].0, "ALTER ROLE postgres NOLOGIN;\n");
    let mut command = repository.ci(&[]);
    repository.check(command.env("MIGTIME_STAGING_URL", database.url()), 3);
    check_files(&repository, &TWO.map(|(file, _)| file), "not judged: ");
}

#[test]
fn a_job_that_does_not_know_what_is_new_judges_nothing() {
    let repository = repository("");
    repository.check(&mut repository.ci(&["--base", "nowhere"]), 2);
    check_files(&repository, &["db/migrations"], "the base nowhere is not in this clone");
    repository.write("migtime.toml", "[budget]\nwindwo = \"30m\"\n");
    repository.check(&mut repository.ci(&[]), 2);
    check_files(&repository, &["db/migrations"], "unknown key");
}

#[test]
fn an_interrupted_job_judges_only_what_it_came_to() {
    let database = Database::create();
    database.execute("CREATE TABLE \"Orders\" (id bigint PRIMARY KEY, status text, total numeric)");
    for signal in [Signal::INT, Signal::KILL] {
        let repository = repository("[rehearsal]\nallow_too_little_evidence = true\n");
        repository.write(TWO[0].0, "SELECT pg_sleep(601);\n");
        let child = start(repository.ci(&[]).env("MIGTIME_STAGING_URL", database.url()));
        // A session in the clone itself would prevent its copy.
        let mut client = database.parameters_of("postgres").connect().expect("connection");
        let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(601)%' \
                   AND state = 'active' \
                   AND pid <> pg_backend_pid())";
        await_condition("the migration runs", || client.query_one(sql, &[]).expect("row").get(0));
        send(&child, signal);
        let output = finished(child);
        if signal == Signal::KILL {
            // After a kill, the program cannot write down which migrations are new.
            check_files(
                &repository,
                &["db/migrations"],
                "not judged: the job has not come to its end",
            );
            let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'SELECT \
                       pg_sleep(601)%'";
            client.execute(sql, &[]).expect("terminated");
            continue;
        }
        check_code(&output, 5);
        assert!(
            text(&output.stderr).contains("error: interrupted"),
            "{}",
            text(&output.stderr)
        );
        check_files(
            &repository,
            &TWO.map(|(file, _)| file),
            "not judged: the job was interrupted",
        );
        await_condition("the migration is cancelled", || {
            let running: bool = client.query_one(sql, &[]).expect("row").get(0);
            !running
        });
    }
}

#[test]
fn a_baseline_that_cannot_be_read_is_told_of_each_migration() {
    let repository = repository("[regression]\nbaseline = \"baseline.json\"\n");
    repository.write("baseline.json", "{\"kind\": \"rehearsal\", \"format_version\": 1,");
    repository.check(&mut repository.ci(&[]), 2);
    let outputs = repository.read("reports/ci/github-outputs.txt");
    assert!(
        outputs.starts_with("verdict=fail\nmigrations=2\nerrors=2\n"),
        "{outputs}"
    );
    let junit = repository.read("reports/ci/junit.xml");
    assert!(junit.contains("baseline.json is cut off"), "{junit}");
}

#[test]
fn a_base_that_fails_judges_nothing() {
    let repository = repository("[throwaway]\nfill = \"db/wrong.sql\"\n");
    repository.write("db/wrong.sql", "INSERT INTO nowhere VALUES (1);\n");
    repository.check(&mut repository.ci(&[]), 2);
    check_files(&repository, &TWO.map(|(file, _)| file), "db/wrong.sql:1: relation");
    repository.write("migtime.toml", "");
    repository.git(&["checkout", "-q", "main"]);
    repository.write(
        "db/migrations/0001_orders.sql",
        "ALTER TABLE nowhere ADD COLUMN a int;\n",
    );
    repository.git(&["commit", "-q", "-m", "broken", "db/migrations/0001_orders.sql"]);
    repository.git(&["checkout", "-q", "-B", "feature"]);
    for (file, sql) in TWO {
        repository.write(file, sql);
    }
    repository.check(&mut repository.ci(&[]), 4);
    check_files(&repository, &TWO.map(|(file, _)| file), "not judged: on the base: ");
}

#[test]
fn a_migration_that_is_a_program_is_not_passed_over() {
    let repository = Repository::create("");
    repository.write("db/migrations/0002_paid.py", "pass\n");
    let (stdout, _) = repository.check(&mut repository.ci(&[]), 5);
    let said = "**error** MT008 `db/migrations/0002_paid.py:1`: not judged: it is a program in Python";
    assert!(stdout.contains(said), "{stdout}");
    let outputs = repository.read("reports/ci/github-outputs.txt");
    assert!(
        outputs.starts_with("verdict=fail\nmigrations=1\nerrors=1\n"),
        "{outputs}"
    );
    repository.write("migtime.toml", "[rehearsal]\nallow_too_little_evidence = true\n");
    let (stdout, _) = repository.check(&mut repository.ci(&[]), 0);
    assert!(stdout.contains(&said.replace("**error**", "warning")), "{stdout}");
}
