//! A recorded outcome changes the next estimate for production, and the history tells how right the predictions were.

use std::process::Command;

use migtime::model::batch_log;
use migtime::model::estimate::{Estimate, Interval, TargetKind, interval_at};
use migtime::model::outcome::Outcome;
use migtime::observation::Target;

use crate::bad_input::{Folder, check_done, check_error, finished, run, start};
use crate::published_schemas;
use crate::support::migtime;
use crate::table_fixture;

/// Writes a rehearsal of a whole walk of 4 s, aimed at a production of the same size, into `name`.
fn rehearsed(folder: &Folder, name: &str) -> String {
    let log = "rows,seconds\n".to_string() + &"100,0.01\n".repeat(400);
    let mut rehearsal = batch_log::read(&log, "backfill.sql", 40_000.0).expect("a batch log");
    rehearsal.server = table_fixture::server();
    rehearsal.started_at = "2026-05-30T08:00:00Z".to_string();
    rehearsal.targets = vec![Some(Target {
        rows: 40_000.0,
        rows_relative_sd: 0.0,
        batches: None,
        table_rows: None,
    })];
    std::fs::create_dir_all(folder.path(name)).expect("a directory");
    folder.file(&format!("{name}/rehearsal.json"), rehearsal.to_json());
    folder.path(name)
}

/// Runs `migtime report` on the rehearsal in `directory`, and returns the estimate and what was printed.
fn reported(directory: &str, history: &str) -> (Estimate, String) {
    let rehearsal = format!("{directory}/rehearsal.json");
    let mut command = migtime(&["report", &rehearsal]);
    if std::path::Path::new(history).exists() {
        command.args(["--history", history]);
    }
    let output = run(&mut command);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let text = std::fs::read_to_string(format!("{directory}/estimate.json")).expect("estimate.json");
    published_schemas::check("estimate", &text);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    (Estimate::from_json(&text, "estimate.json").expect("an estimate"), words)
}

fn recorded(arguments: &[&str], expected: &str) {
    let output = run(&mut migtime(&[&["record"], arguments].concat()));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(expected), "{expected} is not in: {said}");
}

fn lines(history: &str) -> Vec<Outcome> {
    let text = std::fs::read_to_string(history).expect("the history");
    assert!(text.ends_with('\n'), "{text}");
    let read = |line| Outcome::from_line(line, "history").expect("an outcome");
    text.lines().map(read).collect()
}

#[test]
fn an_estimate_learns_from_what_was_recorded() {
    let folder = Folder::new();
    let (directory, history) = (rehearsed(&folder, "backfill"), folder.path("history.jsonl"));
    let (before, said) = reported(&directory, &history);
    assert!(said.contains("The interval is the clone's, not production's"), "{said}");
    assert!(said.contains("within a factor of 4.7 of it, at 95 %"), "{said}");
    assert_eq!(before.learned, None);
    let origin = before.origin.as_ref().expect("an origin");
    assert_eq!(
        (origin.migration.as_str(), origin.target),
        ("backfill.sql", TargetKind::Production)
    );

    recorded(
        &[&directory, "--actual", "6s", "--history", &history],
        "1.50 times the predicted 4.0s, and is outside",
    );
    let (after, said) = reported(&directory, &history);
    assert!(
        said.contains("as they did for 1 recorded outcome: it takes 1.38 times as long there"),
        "{said}"
    );
    let learned = after.learned.as_ref().expect("it learned");
    // numpy: z = log(6/4); m = z/1.25; s2 = (4*.25**2 + .25/1.25*z**2)/5; scipy.stats.t(5, m, sqrt(s2*(1 + 1/1.25)))
    // .ppf([.5, .975]); exp of these times 4
    assert!((learned.factor - 1.3831618).abs() < 1e-3, "{learned:?}");
    assert!(
        (after.total.point_seconds / 5.53264747 - 1.0).abs() < 1e-3,
        "{:?}",
        after.total
    );
    assert!(
        (after.interval().upper_seconds / 12.56591476 - 1.0).abs() < 2e-3,
        "{:?}",
        after.interval()
    );
    assert_eq!(learned.on_clone.intervals, before.total.intervals);
    let ends = |interval: Interval| interval.upper_seconds / interval.lower_seconds;
    let of_step = interval_at(&after.steps[0].intervals, 0.95);
    assert!(
        (ends(of_step) / ends(after.interval()) - 1.0).abs() < 1e-9,
        "the only step is the whole"
    );
    let rate = |estimate: &Estimate| estimate.steps[0].rows_per_second.expect("rows");
    assert!((rate(&before).point / rate(&after).point / learned.factor - 1.0).abs() < 1e-9);
    assert!(rate(&after).lower < rate(&after).point && rate(&after).point < rate(&after).upper);
}

#[test]
fn a_correction_is_not_corrected_again() {
    let folder = Folder::new();
    let (directory, history) = (rehearsed(&folder, "backfill"), folder.path("history.jsonl"));
    for _ in 0..2 {
        reported(&directory, &history);
        // The second time it is the same run, although the rehearsal was estimated anew meanwhile.
        recorded(&[&directory, "--actual", "6s", "--history", &history], "1 outcome");
    }
    assert_eq!(lines(&history).len(), 1);
    recorded(
        &[&directory, "--actual", "6500ms", "--history", &history],
        "recorded 1 outcome",
    );
    let stored = lines(&history);
    assert_eq!(stored.len(), 2);
    assert!(
        (stored[1].log_ratio() - (6.5f64 / 4.0).ln()).abs() < 1e-3,
        "{:?}",
        stored[1]
    );
    assert!(stored[1].predicted.point_seconds > 5.0);
}

#[test]
fn the_same_outcome_is_recorded_once() {
    let folder = Folder::new();
    let (directory, history) = (rehearsed(&folder, "backfill"), folder.path("history.jsonl"));
    reported(&directory, &history);
    let estimate = format!("{directory}/estimate.json");
    recorded(
        &[&estimate, "--actual", "6s", "--history", &history],
        "recorded 1 outcome in",
    );
    recorded(
        &[&directory, "--actual", "6000ms", "--history", &history],
        "1 outcome was already in",
    );
    recorded(
        &[&directory, "--actual", "6s", "--step", "1", "--history", &history],
        "backfill.sql, step 1 took 6.0s",
    );
    assert_eq!(lines(&history).len(), 2);

    let csv = folder.file(
        "many.csv",
        format!("estimate,actual\n{directory},6s\n{directory},7s\n{directory},7s\n"),
    );
    recorded(&["--csv", &csv, "--history", &history], "2 outcomes were already in");
    assert_eq!(lines(&history).len(), 3);
}

#[test]
fn a_history_can_be_listed_in_every_form_and_read_again() {
    let folder = Folder::new();
    let rows = [(100, 102), (100, 90), (100, 110), (100, 120), (100, 140), (100, 150)];
    let line = |(day, (predicted, actual)): (usize, &(i32, i32))| {
        format!("backfill,{predicted},{actual},80,125,2026-05-{day:02},m|{day}.sql\n")
    };
    let text: String = (1..).zip(&rows).map(line).collect();
    let header = "kind,predicted_seconds,actual_seconds,lower_95,upper_95,recorded_at,migration\n";
    let csv = folder.file("outcomes.csv", header.to_string() + &text);
    let history = folder.path("history.jsonl");
    recorded(&["--csv", &csv, "--history", &history], "recorded 6 outcomes");

    let shown = check_done(&["history", &history]);
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "6 recorded outcomes",
        "m|6.sql backfill 100s 80s – 2m 5s 2m 30s 1.50 (outside)",
        "The 95 % interval held 4 of 6 times: 67 % (95 % interval of that share, Wilson's: 30 % to 90 %).",
        "Median error: 15 %. Mean bias: 17 % longer than predicted (the geometric mean of actual to predicted is",
        "Drift: production becomes slower against the clone",
        "τ = 0.87, p = 0.017",
        "The next estimate for production is the rehearsal's times",
    ] {
        assert!(words.contains(expected), "{expected} is not in {shown}");
    }
    let markdown = check_done(&["history", &history, "--format", "markdown"]);
    assert!(markdown.contains("| 2026-05-06 | m\\|6.sql | backfill |"), "{markdown}");
    let json: serde_json::Value =
        serde_json::from_str(&check_done(&["history", &history, "--format", "json"])).expect("JSON");
    assert_eq!(
        (&json["kind"], &json["summary"]["counted"]),
        (&"history".into(), &6.into())
    );
    assert_eq!(json["outcomes"].as_array().map(Vec::len), Some(6));

    let again = folder.file("again.csv", check_done(&["history", &history, "--format", "csv"]));
    recorded(&["--csv", &again, "--history", &history], "6 outcomes were already in");
    let copy = folder.path("copy.jsonl");
    recorded(&["--csv", &again, "--history", &copy], "recorded 6 outcomes");
    assert_eq!(lines(&copy), lines(&history));
}

#[test]
fn two_who_record_at_once_lose_nothing_and_double_nothing() {
    let folder = Folder::new();
    let history = folder.path("history.jsonl");
    let header = "kind,predicted_seconds,actual_seconds\n";
    let writers: Vec<_> = (1..=8)
        .map(|writer: i32| {
            let own: String = (1..=20)
                .map(|row| format!("dml,100,{}\n", 100 * writer + row))
                .collect();
            let csv = folder.file(&format!("{writer}.csv"), format!("{header}{own}dml,50,60\n"));
            start(&mut migtime(&["record", "--csv", &csv, "--history", &history]))
        })
        .collect();
    for writer in writers {
        let output = finished(writer);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut actual: Vec<f64> = lines(&history).iter().map(|outcome| outcome.actual_seconds).collect();
    actual.sort_by(f64::total_cmp);
    assert_eq!(actual.len(), 8 * 20 + 1);
    actual.dedup();
    assert_eq!(actual.len(), 8 * 20 + 1);
}

#[test]
fn the_file_is_found_from_inside_the_repository() {
    let folder = Folder::new();
    let directory = rehearsed(&folder, "repository/reports/backfill");
    std::fs::create_dir(folder.path("repository/.git")).expect("a directory");
    reported(&directory, "none");
    let within = |place: &str, arguments: &[&str]| -> (Option<i32>, String) {
        let mut command: Command = migtime(arguments);
        let output = run(command.current_dir(folder.path(place)));
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        (
            output.status.code(),
            said.split_whitespace().collect::<Vec<_>>().join(" "),
        )
    };
    folder.file("repository/migtime.toml", "");
    let (code, said) = within("repository/reports", &["record", "backfill", "--actual", "6s"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lines(&folder.path("repository/migtime-history.jsonl")).len(), 1);
    let (code, said) = within("repository/reports/backfill", &["report", "rehearsal.json"]);
    assert!(code == Some(0) && said.contains("1 recorded outcome"), "{said}");
    let (code, said) = within(
        "repository/reports/backfill",
        &["report", "rehearsal.json", "--no-history"],
    );
    assert!(
        code == Some(0) && said.contains("The interval is the clone's"),
        "{said}"
    );
}

#[test]
fn a_merge_keeps_both_sides() {
    let folder = Folder::new();
    let csv = folder.file("one.csv", "kind,predicted_seconds,actual_seconds\ndml,100,120\n");
    let history = folder.path("history.jsonl");
    recorded(&["--csv", &csv, "--history", &history], "recorded 1 outcome");
    let line = std::fs::read_to_string(&history).expect("a line");
    // A union merge may leave a line twice, and an editor the last one without its end.
    folder.file("history.jsonl", format!("{line}\n{}", line.trim_end()));
    assert!(check_done(&["history", &history]).starts_with("1 recorded outcome\n"));
    let other = folder.file("two.csv", "kind,predicted_seconds,actual_seconds\ndml,100,130\n");
    recorded(&["--csv", &other, "--history", &history], "recorded 1 outcome");
    let text = std::fs::read_to_string(&history).expect("lines");
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 3, "{text}");

    folder.file(
        "history.jsonl",
        format!("<<<<<<< main\n{line}=======\n{line}>>>>>>> other\n"),
    );
    let left = [
        "history.jsonl:1 is left from a merge",
        "hint: keep the outcomes of both sides",
    ];
    check_error(&["history", &history], 2, &left);
    check_error(&["record", "--csv", &csv, "--history", &history], 2, &left);
}

#[test]
fn wrong_input_is_refused_in_one_line() {
    let folder = Folder::new();
    let (directory, history) = (rehearsed(&folder, "backfill"), folder.path("history.jsonl"));
    let record = |arguments: &[&str], words: &[&str]| {
        let all = [&["record", "--history", &history], arguments].concat();
        check_error(&all, 2, words);
        assert!(!std::path::Path::new(&history).exists(), "nothing is recorded");
    };
    record(
        &[&directory, "--actual", "6s"],
        &["backfill holds no estimate.json", "hint: name the directory"],
    );
    let rehearsal = format!("{directory}/rehearsal.json");
    let words = [
        "is no estimate: it states kind \"rehearsal\"",
        "hint: name the estimate.json beside it",
    ];
    record(&[&rehearsal, "--actual", "6s"], &words);
    reported(&directory, "none");
    let step = [&directory, "--actual", "6s", "--step", "3"];
    record(&step, &["the estimate has no step 3", "hint: its steps are 1"]);
    record(&[&directory, "--actual", "0s"], &["actual_seconds 0 is no duration"]);
    let text = std::fs::read_to_string(format!("{directory}/estimate.json")).expect("an estimate");
    let newer = folder.file(
        "newer.json",
        text.replacen("\"format_version\": 1", "\"format_version\": 2", 1),
    );
    record(
        &[&newer, "--actual", "6s"],
        &["newer.json has format_version 2; this migtime reads up to 1", "hint:"],
    );
    let cut = folder.file("cut.json", &text[..text.len() / 2]);
    record(&[&cut, "--actual", "6s"], &["cut.json is cut off", "hint:"]);
    let csv = folder.file("bad.csv", format!("estimate,actual\n{directory},6s\n{directory},34\n"));
    record(&["--csv", &csv], &["bad.csv:3: actual \"34\" is not a duration"]);
    let csv = folder.file("missing.csv", "estimate,actual\nnowhere.json,6s\n");
    record(&["--csv", &csv], &["missing.csv:2: cannot read nowhere.json"]);
}

#[test]
fn a_history_that_is_none_is_refused_in_one_line() {
    let folder = Folder::new();
    let (directory, history) = (rehearsed(&folder, "backfill"), folder.path("history.jsonl"));
    reported(&directory, "none");
    let rehearsal = format!("{directory}/rehearsal.json");
    let nowhere = folder.path("no/such/directory/h.jsonl");
    check_error(
        &["record", &directory, "--actual", "6s", "--history", &nowhere],
        2,
        &["cannot write", "hint:"],
    );
    check_error(
        &["history", &history],
        2,
        &["there is no history in", "hint: migtime record"],
    );
    check_error(
        &["report", &rehearsal, "--history", &history],
        2,
        &["there is no history in"],
    );
    let damaged = folder.file("damaged.jsonl", "{\"kind\":\"outcome\",\"format_version\":1}\n");
    check_error(
        &["history", &damaged],
        2,
        &["damaged.jsonl:1 is damaged: missing field", "hint: take that line out"],
    );
    let other = folder.file("other.jsonl", "{\"kind\":\"outcome\",\"format_version\":9}\n");
    check_error(
        &["report", &rehearsal, "--history", &other],
        2,
        &["other.jsonl:1 has format_version 9", "hint:"],
    );
}
