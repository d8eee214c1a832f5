//! `bench` runs, can be resumed and leaves nothing behind, and `compare` reports a real slowdown.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use migtime::model::compare::{ChangeVerdict, Comparison};
use migtime::observation::Rehearsal;
use migtime::server::ThrowawayServer;
use rustix::process::Signal;

use crate::bad_input::{Folder, check_refused, finished, run, send, servers_in, start};
use crate::published_schemas;
use crate::support::{self, await_condition};

const SCHEMA: &str = "CREATE TABLE \"Order lines\" (id bigint PRIMARY KEY, amount int, doubled int);\n\
                      INSERT INTO \"Order lines\" SELECT n, n % 100 FROM generate_series(1, :rows) AS n;\n";
const MIGRATION: &str = "ALTER TABLE \"Order lines\" ADD COLUMN note text;\n\
                         UPDATE \"Order lines\" SET doubled = 2 * amount WHERE id BETWEEN <batch_start> \
                         AND <batch_end>;\n";
/// Every batch waits, so that the size of the slowdown is known whatever the speed of the machine.
const SLOWER: &str = "ALTER TABLE \"Order lines\" ADD COLUMN note text;\n\
                      UPDATE \"Order lines\" SET doubled = 2 * amount \
                      WHERE id BETWEEN <batch_start> AND <batch_end> AND (SELECT pg_sleep(0.5)) IS NOT NULL;\n";

/// A team's own folder of scenarios, outside the project.
struct Team(Folder);

impl Team {
    fn new(versions: &[(&str, &str)]) -> Team {
        let team = Team(Folder::new());
        for (version, migration) in versions {
            team.scenario(version, "order lines", migration);
        }
        team
    }

    fn scenario(&self, version: &str, name: &str, migration: &str) {
        let folder = format!("{version}/{name}");
        std::fs::create_dir_all(self.0.path(&folder)).expect("folder");
        let described = "title = \"t\"\nshows = \"s\"\nrows = 200\nseed = 1\nbatch_size = 50\n\
                         table = 'public.\"Order lines\"'\nsteps = [\"catalog-only\", \"backfill\"]\nreversible = \
                         true\n";
        let files = [
            ("scenario.toml", described),
            ("schema.sql", SCHEMA),
            ("migration.sql", migration),
        ];
        for (file, text) in files.into_iter().chain([("rollback.sql", "SELECT 1;\n")]) {
            self.0.file(&format!("{folder}/{file}"), text);
        }
    }

    /// Returns the program, run in the team's folder.
    fn migtime(&self, arguments: &[&str]) -> Command {
        let mut command = support::migtime(arguments);
        command.current_dir(self.0.path(""));
        command
    }

    fn saved(&self, file: &str) -> Rehearsal {
        let text = std::fs::read_to_string(self.0.path(file)).expect(file);
        published_schemas::check("rehearsal", &text);
        Rehearsal::from_json(&text, file).expect("a readable bench")
    }
}

fn runs(rehearsal: &Rehearsal) -> usize {
    rehearsal.benchmark.as_ref().expect("a bench").runs.len()
}

/// Returns the number of databases of the program on the server.
fn databases_left(server: &ThrowawayServer) -> i64 {
    let sql = "SELECT count(*) FROM pg_database WHERE datname LIKE 'migtime_sandbox_%'";
    let mut client = server.parameters("postgres").connect().expect("connection");
    client.query_one(sql, &[]).expect("row").get(0)
}

#[test]
fn what_is_really_slower_is_a_regression_and_the_same_is_none() {
    let team = Team::new(&[("main", MIGRATION), ("branch", SLOWER)]);
    // A separate server, because other tests copy databases on the shared one.
    let server = ThrowawayServer::start(&support::options()).expect("a server");
    let url = server.parameters("postgres").to_string();
    let bench = ["bench", "main", "branch", "--staging", &url, "--runs", "3", "-w"];
    let output = run(&mut team.migtime(&bench));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        table.contains("main/order lines") && table.contains("branch/order lines"),
        "{table}"
    );

    let (main, branch) = ("reports/bench/main", "reports/bench/branch");
    let saved = team.saved(&format!("{main}/order lines.json"));
    assert_eq!((runs(&saved), saved.steps[1].observations.len()), (3, 12));
    let names: Vec<String> = (team.0.names(main).into_iter()).chain(team.0.names(branch)).collect();
    assert_eq!(names, ["order lines.json", "order lines.json"]);
    assert_eq!(databases_left(&server), 0);

    // Four batches wait 0.5 s each.
    let output = run(&mut team.migtime(&["compare", main, branch, "--format", "json"]));
    let json = String::from_utf8_lossy(&output.stdout).into_owned();
    let comparison: Comparison = serde_json::from_str(&json).expect("a comparison");
    assert_eq!(comparison.verdict, ChangeVerdict::Regression, "{json}");
    let judgement = &comparison.judgements[0];
    assert_eq!(judgement.p_value, Some(0.05), "1 of C(6, 3) = 20");
    assert!(judgement.new.mean_seconds - judgement.base.mean_seconds > 1.0, "{json}");
    assert_eq!(judgement.steps.len(), 2);
    assert!(judgement.warnings.is_empty(), "{:?}", judgement.warnings);
    check_refused(output, 1, &["error: regression: order lines takes longer by"]);

    let output = run(&mut team.migtime(&["compare", branch, main]));
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("Improvement: order lines"));
    let output = run(&mut team.migtime(&["compare", main, main, "--format", "markdown"]));
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("**No difference seen"));
}

#[test]
fn a_bench_goes_on_where_it_was_and_refuses_what_is_not_the_same() {
    let team = Team::new(&[("s", MIGRATION)]);
    let server = ThrowawayServer::start(&support::options()).expect("a server");
    let url = server.parameters("postgres").to_string();
    let bench = |more: &[&str]| {
        let fixed = ["bench", "s", "--staging", &url, "-w"];
        run(&mut team.migtime(&[&fixed[..], more].concat()))
    };
    let file = "reports/bench/order lines.json";
    assert_eq!(bench(&["--runs", "1"]).status.code(), Some(0));
    let first = team.saved(file);
    let output = bench(&["--runs", "3"]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("going on after 1 runs"),
        "{output:?}"
    );
    let all = team.saved(file);
    assert_eq!((runs(&first), runs(&all)), (1, 3));
    assert_eq!(
        all.steps[1].observations[..4],
        first.steps[1].observations[..],
        "what was measured stays"
    );
    let numbers: Vec<u32> = all.steps[1].observations.iter().map(|batch| batch.run).collect();
    assert_eq!(numbers, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    // Nothing is left to do, so the server is not contacted.
    let nowhere = "postgresql://nobody@127.0.0.1:1/nothing";
    let complete = run(&mut team.migtime(&["bench", "s", "--staging", nowhere, "--runs", "2"]));
    assert_eq!(complete.status.code(), Some(0));
    assert_eq!(team.saved(file), all);

    check_refused(
        bench(&["--rows", "70"]),
        2,
        &["another number of rows", "hint: remove it"],
    );
    check_refused(bench(&["--runs", "9", "--seed", "8"]), 2, &["another seed"]);
    team.scenario("s", "order lines", SLOWER);
    check_refused(bench(&["--runs", "4"]), 2, &["runs of another migration.sql"]);
    assert_eq!(team.saved(file), all);
}

#[test]
fn an_interrupted_bench_keeps_its_runs_and_leaves_no_server() {
    let endless = MIGRATION.replace("2 * amount", "(SELECT 1 FROM pg_sleep(600))");
    let team = Team::new(&[("s", MIGRATION)]);
    team.scenario("s", "slow", &endless);
    let temporary = tempfile::tempdir().expect("temporary directory");
    std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let bench = ["bench", "s", "--runs", "2"];
    let child = start(team.migtime(&bench).env("TMPDIR", temporary.path()));
    await_condition("the endless batch runs", || {
        is_running(temporary.path(), "%pg_sleep(600)%")
    });
    send(&child, Signal::INT);
    // The first interrupt waits for the batch, which is endless; the second does not.
    await_condition("the program hears", || {
        send(&child, Signal::INT);
        servers_in(temporary.path()).is_empty()
    });
    let output = finished(child);
    assert_eq!(
        output.status.code(),
        Some(130),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        !Path::new(&team.0.path("reports/bench/slow.json")).exists(),
        "half a run is no run"
    );
}

#[test]
fn an_orderly_interrupt_says_how_far_it_came() {
    let slow = MIGRATION.replace("2 * amount", "(SELECT 1 FROM pg_sleep(0.02))");
    let team = Team::new(&[("s", &slow)]);
    let temporary = tempfile::tempdir().expect("temporary directory");
    std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let bench = ["bench", "s", "--runs", "500"];
    let child = start(team.migtime(&bench).env("TMPDIR", temporary.path()));
    let file = team.0.path("reports/bench/order lines.json");
    await_condition("a run is saved", || Path::new(&file).exists());
    send(&child, Signal::INT);
    let output = finished(child);
    check_refused(
        output,
        5,
        &["interrupted after", "of 500 runs; the same command goes on"],
    );
    assert_eq!(servers_in(temporary.path()).len(), 0);
    assert!(runs(&team.saved("reports/bench/order lines.json")) >= 1);
}

#[test]
fn the_time_that_is_given_bounds_a_bench() {
    let team = Team::new(&[("s", MIGRATION)]);
    let server = ThrowawayServer::start(&support::options()).expect("a server");
    let url = server.parameters("postgres").to_string();
    let output = run(&mut team.migtime(&["bench", "s", "--staging", &url, "--runs", "1000", "--minutes", "0.05"]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the time is over after"), "{said}");
    assert!(runs(&team.saved("reports/bench/order lines.json")) < 1000);
}

/// Starts a separate server, because other tests copy databases on the shared one, with a database `clone` of 4,000
/// rows.
fn server_with_clone() -> ThrowawayServer {
    let server = ThrowawayServer::start(&support::options()).expect("a server");
    let mut client = server.parameters("postgres").connect().expect("connection");
    client.batch_execute("CREATE DATABASE clone").expect("database");
    let mut clone = server.parameters("clone").connect().expect("connection");
    clone.batch_execute(&SCHEMA.replace(":rows", "4000")).expect("filled");
    server
}

#[test]
fn a_duet_tells_the_slower_of_two() {
    let folder = Folder::new();
    let server = server_with_clone();
    let (old, slower) = (
        folder.file("old.sql", MIGRATION),
        folder.file("slower.sql", SLOWER.replace("0.5", "0.01")),
    );
    let index = folder.file("index.sql", "CREATE INDEX one ON \"Order lines\" (amount);");
    let (out, url) = (folder.path("duet"), server.parameters("clone").to_string());
    let duet = |base: &str, new: &str, more: &[&str]| {
        let fixed = [
            "compare",
            "--duet",
            base,
            new,
            "--staging",
            &url,
            "--output",
            &out,
            "--batch-size",
            "20",
            "-w",
        ];
        run(&mut support::migtime(
            &[&fixed[..], &["--format", "json"], more].concat(),
        ))
    };
    let output = duet(&old, &slower, &[]);
    let json = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = check_refused(output, 1, &["regression: ", "its backfill is compared"]);
    let comparison: Comparison = serde_json::from_str(&json).unwrap_or_else(|_| panic!("{said:?}"));
    let judgement = &comparison.judgements[0];
    assert!(
        judgement.in_pairs && judgement.base.runs == 20 && judgement.minimum_detectable.is_some(),
        "{json}"
    );
    // 200 batches of 10 ms each.
    assert!(judgement.new.mean_seconds - judgement.base.mean_seconds > 1.5, "{json}");
    let again = run(&mut support::migtime(&[
        "compare",
        &folder.path("duet/base.json"),
        &folder.path("duet/new.json"),
        "--format",
        "json",
    ]));
    assert_eq!(String::from_utf8_lossy(&again.stdout), json, "the files say the same");

    let output = duet(&index, &index, &["--runs", "2"]);
    check_refused(output, 5, &["too few runs", "3 of each could"]);
    assert_eq!(runs_in(&folder.path("duet/base.json")), 2);
    let sql = "SELECT count(*) FROM \"Order lines\" WHERE doubled IS NOT NULL";
    let mut clone = server.parameters("clone").connect().expect("connection");
    assert_eq!(
        clone.query_one(sql, &[]).expect("row").get::<_, i64>(0),
        0,
        "only copies are changed"
    );
    assert_eq!(databases_left(&server), 0);
}

#[test]
fn what_cannot_be_benched_or_compared_is_said_in_one_line() {
    let team = Team::new(&[("s", MIGRATION)]);
    let refused = |arguments: &[&str], exit_code: i32, words: &[&str]| {
        check_refused(run(&mut team.migtime(arguments)), exit_code, words);
    };
    refused(&["bench", "nowhere"], 2, &["cannot read nowhere: No such file"]);
    refused(
        &["bench", "s", "--only", "orders"],
        2,
        &["no scenario orders", "hint: there are order lines"],
    );
    refused(&["bench", "s", "s"], 2, &["two scenarios would be written to"]);
    refused(&["bench", "s", "--minutes", "0"], 2, &["a number of minutes above 0"]);
    team.0.file("s/order lines/scenario.toml", "title = 3\n");
    refused(&["bench", "s"], 2, &["scenario.toml:1: invalid type: integer `3`"]);
    refused(&["compare", "no.json", "no.json"], 2, &["cannot read no.json"]);
    team.0
        .file("estimate.json", "{\"kind\": \"estimate\", \"format_version\": 1}");
    refused(
        &["compare", "estimate.json", "estimate.json"],
        2,
        &["is not a rehearsal"],
    );
    refused(&["compare", ".", "."], 2, &["holds no rehearsal and no bench"]);
    team.0.file("cut.json", "{\n  \"kind\": \"rehearsal\",\n  \"form");
    refused(&["compare", ".", "."], 2, &["cut.json is cut off"]);
    refused(&["compare", "a", "b", "--margin=-1%"], 2, &["percentage"]);
    refused(&["compare", "--duet", "a.sql", "b.sql"], 2, &["cannot read a.sql"]);
}

fn runs_in(file: &str) -> usize {
    let text = std::fs::read_to_string(file).expect(file);
    runs(&Rehearsal::from_json(&text, file).expect("a readable rehearsal"))
}

fn is_running(temporary: &Path, pattern: &str) -> bool {
    let servers = servers_in(temporary);
    let Some(server) = servers.first() else { return false };
    let target = format!("postgresql://migtime@/postgres?host={}", server.display());
    let sql = "SELECT FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()";
    support::resolve(&target)
        .connect()
        .is_ok_and(|mut client| client.query(sql, &[&pattern]).is_ok_and(|rows| !rows.is_empty()))
}
