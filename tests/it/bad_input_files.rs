//! Wrong files and arguments, and results that cannot be written: exit 2, with a message of one line.

use std::process::{Command, Stdio};

use crate::bad_input::{Folder, check_done, check_error, check_refused, finished, run, start};
use crate::report_fixture;
use crate::support::{self, Database};

#[test]
fn rehearsals_that_are_none() {
    let folder = Folder::new();
    let whole = report_fixture::rehearsal().to_json();
    let check = |name: &str, content: &[u8], words: &[&str]| {
        let file = folder.file(name, content);
        let out = folder.path("out");
        check_error(&["report", &file, "--output", &out], 2, words);
        assert!(!std::path::Path::new(&out).exists(), "{name}: nothing is written");
    };
    check(
        "cut.json",
        &whole.as_bytes()[..whole.len() / 2],
        &["cut.json is cut off at line", "hint: rehearse again"],
    );
    check("empty.json", b"", &["empty.json is cut off"]);
    let damaged = whole.replacen("\"seconds\": ", "\"seconds\": x", 1);
    check("damaged.json", damaged.as_bytes(), &["damaged.json is damaged at line"]);
    let negative = with_a_negative_time(&whole);
    check(
        "negative.json",
        negative.as_bytes(),
        &[
            "negative.json: steps[0].observations[0].seconds: -",
            "is not between 0 and 1000000000 seconds",
        ],
    );
    let newer = whole.replacen("\"format_version\": 1", "\"format_version\": 2", 1);
    check(
        "newer.json",
        newer.as_bytes(),
        &["has format_version 2; this migtime reads up to 1", "hint:"],
    );
    let older = whole.replacen("\"format_version\": 1", "\"format_version\": 0", 1);
    check("older.json", older.as_bytes(), &["states no known format_version"]);
    check(
        "other.json",
        b"{\"kind\": \"estimate\", \"format_version\": 1}",
        &["other.json is not a rehearsal", "hint:"],
    );
    check("list.json", b"[1, 2]", &["list.json is damaged"]);
    check(
        "latin.json",
        b"{\"kind\":\n \"Gr\xf6\xdfe\"}",
        &["latin.json:2: not UTF-8", "hint:"],
    );
    check_error(&["report", &folder.path(".")], 2, &["cannot read", "Is a directory"]);
    check_error(
        &["report", &folder.path("missing.json")],
        2,
        &["cannot read", "No such file"],
    );
}

/// Makes the first measured time negative, which no clock can measure.
fn with_a_negative_time(json: &str) -> String {
    json.replacen("\"seconds\": ", "\"seconds\": -", 1)
}

#[test]
fn batch_logs_that_are_none() {
    let folder = Folder::new();
    let check = |content: &str, words: &[&str]| {
        let log = folder.file("log.csv", content);
        check_error(&["estimate", "--batches", &log, "--rows", "1000"], 2, words);
    };
    check(
        "rows,seconds\n10,0.1\n10,-0.1\n",
        &["log.csv:3: seconds -0.1 is negative"],
    );
    check(
        "rows,seconds\n10,NaN\n",
        &["log.csv:2: seconds \"NaN\" is not a finite number"],
    );
    check(
        "rows,seconds\n10,inf\n",
        &["log.csv:2: seconds \"inf\" is not a finite number"],
    );
    check("rows,seconds\n10,\n", &["log.csv:2: seconds is missing"]);
    check("rows,seconds\n10\n", &["log.csv:2: seconds is missing"]);
    check(
        "rows,seconds\n\"1,2\n3",
        &["log.csv:2: rows \"1,2\\n3\" is not a number"],
    );
    check(
        "rows,duration\n10,1\n",
        &["log.csv:1: no column \"seconds\"", "hint: the header is rows,seconds"],
    );
    check("rows,seconds\n", &["log.csv holds no batch", "hint:"]);
    check(
        "rows,seconds\n600,1\n600,1\n",
        &[
            "log.csv holds 1200 rows, more than the 1000 of the whole backfill",
            "hint: --rows",
        ],
    );
    check("", &["log.csv:1: no column \"rows\""]);
    let log = folder.file("log.csv", "rows,seconds\n10,0.1\n");
    check_error(
        &["estimate", "--batches", &log, "--rows", "10000"],
        5,
        &["too little evidence", "hint: rehearse more"],
    );
    check_error(
        &["estimate", "--batches", &folder.path("no.csv"), "--rows", "1"],
        2,
        &["cannot read"],
    );
}

#[test]
fn growth_until_the_deploy() {
    let folder = Folder::new();
    let log = folder.file("log.csv", &("rows,seconds\n".to_string() + &"100,0.01\n".repeat(400)));
    let estimate = ["estimate", "--batches", &log, "--rows", "40000"];
    check_error(
        &[&estimate[..], &["--on", "2999-01-15"]].concat(),
        2,
        &[
            "--on 2999-01-15 says when, but not how fast the rows grow",
            "hint: add --growth",
        ],
    );
    check_error(
        &[&estimate[..], &["--growth", "100%/day", "--on", "2999-01-15"]].concat(),
        2,
        &[
            "more than 100 times as many or as few until 2999-01-15",
            "hint: check the rate",
        ],
    );
    let told = |more: &[&str]| {
        let mut output = support::migtime(&[&estimate[..], &["--provisional", "--format", "json"], more].concat());
        let output = output.output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let shrinking = told(&["--growth", "-0.01%/year", "--on", "2999-01-15"]);
    assert!(shrinking.contains("The table grows from 40,000 to 3"), "{shrinking}");
    assert!(
        shrinking.contains("until 2999-01-15: -0.01 % a year, compounded"),
        "{shrinking}"
    );
    // Without a day it is today, for which nothing has grown yet.
    assert!(told(&["--growth", "2%/month"]).contains("compounded over 0 days"));
}

#[test]
fn arguments_that_mean_nothing() {
    let check = |arguments: &[&str], words: &[&str]| check_error(arguments, 2, words);
    let check_rehearse = |more: &[&str], words: &[&str]| {
        check(&[&["rehearse", "m.sql", "--staging", "x"], more].concat(), words);
    };
    let with_unit = ["is not a duration; write it with its unit, like 90s, 34m or 1h 20m"];
    check(&["estimate", "--table", "x", "--window", "30"], &with_unit);
    check(&["estimate", "--table", "x", "--window=-30m"], &with_unit);
    check(&["estimate", "--table", "x", "--budget", "soon"], &with_unit);
    check_rehearse(&["--max-duration", "5"], &with_unit);
    check_rehearse(&["--lock-timeout", "5"], &with_unit);
    let longest = ["a duration is at most ten years"];
    check_rehearse(&["--batch-delay", "18446744073709551615s"], &longest);
    let percent = ["write a percentage between 0% and 100%, like 10%"];
    check_rehearse(&["--fraction", "15"], &percent);
    check_rehearse(&["--fraction", "150%"], &percent);
    check_rehearse(&["--precision", "0.1"], &percent);
    let percentage = ["write a percentage a day, week, month or year, like 2%/month"];
    check(&["estimate", "--table", "x", "--growth", "2%"], &percentage);
    check(&["estimate", "--table", "x", "--growth=-2/month"], &percentage);
    check_rehearse(
        &["--growth", "2%/month", "--on", "15.1.2099"],
        &["write a day like 2027-01-15"],
    );
    let past = ["it is past, today is 2", "; name the day of the deploy"];
    check_rehearse(&["--growth", "2%/month", "--on", "2020-02-29"], &past);
    for level in ["1.5", "0", "NaN", "95"] {
        check(
            &["estimate", "--table", "x", "--level", level],
            &["write a probability between 0.5 and 0.999, like 0.95"],
        );
    }
    check(&["estimate", "--batches", "log.csv", "--rows", "0"], &["--rows"]);
    check(&["estimate", "--batches", "log.csv"], &["--rows"]);
    check(&["estimate", "--rows", "10", "--table", "x"], &["--rows"]);
    check_rehearse(&["--batch-size", "0"], &["--batch-size"]);
    check_rehearse(&["--batch-size", "18446744073709551615"], &["--batch-size"]);
    check_rehearse(&["--runs", "0"], &["--runs"]);
    check_rehearse(&["--full", "--fraction", "5%"], &["--full"]);
    check(&["estimate", "--table", "x", "--format", "pdf"], &["--format"]);
    check(
        &["estimate", "--table", "x", "--budget", "1h"],
        &["a budget needs something to be judged", "hint:"],
    );
    check(&["predict"], &["unrecognized subcommand"]);
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let folder = Folder::new();
    let file = folder.file("rehearsal.json", report_fixture::rehearsal().to_json());
    let mut child = start(&mut support::migtime(&[
        "report",
        &file,
        "--provisional",
        "--format",
        "html",
    ]));
    drop(child.stdout.take());
    let output = finished(child);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("error") && !said.contains("panicked"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_said_and_the_files_are_written_all_the_same() {
    let folder = Folder::new();
    let file = folder.file("rehearsal.json", report_fixture::rehearsal().to_json());
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let mut command = support::migtime(&["report", &file, "--provisional"]);
    let output = command
        .stdout(Stdio::from(full))
        .stderr(Stdio::piped())
        .spawn()
        .map(finished)
        .expect("it starts");
    check_refused(output, 2, &["cannot write to stdout: No space left on device"]);
    assert!(folder.names(".").contains(&"report.html".to_string()));
}

#[test]
fn a_report_that_cannot_be_written_is_still_printed_and_leaves_the_old_one() {
    let folder = Folder::new();
    let file = folder.file("rehearsal.json", report_fixture::rehearsal().to_json());
    folder.file("report.html", "the old one");
    // The system refuses to write more than 8 blocks of 512 bytes to a file, so that writing the page fails in the
    // middle.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" report \"$1\" --provisional";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_migtime"), &file]);
    let output = check_refused(
        run(&mut command),
        2,
        &["cannot write", "File too large", "hint: name another place"],
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("95 % probability"));
    let old = std::fs::read_to_string(folder.path("report.html")).expect("the old report");
    assert_eq!(old, "the old one");
    let names = folder.names(".");
    assert!(names.iter().all(|name| !name.starts_with(".migtime-")), "{names:?}");

    let taken = folder.file("taken", "");
    check_error(
        &["report", &file, "--provisional", "--output", &taken],
        2,
        &["cannot write"],
    );
}

#[test]
fn a_device_or_a_link_named_as_output_is_written_to_and_not_replaced() {
    let database = Database::create();
    database.execute("CREATE TABLE orders (id integer PRIMARY KEY)");
    let folder = Folder::new();
    let url = database.url();
    let estimate = |out: &str| check_done(&["estimate", "--table", "orders", "--url", &url, "-o", out]);
    let pipe = folder.path("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        pipe.as_str(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("pipe");
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read_to_string(pipe).expect("text"))
    };
    estimate(&pipe);
    assert!(reader.join().expect("read").contains("public.orders"));

    let target = folder.file("target.txt", "");
    let link = folder.path("link.txt");
    std::os::unix::fs::symlink(&target, &link).expect("link");
    estimate(&link);
    assert!(std::path::Path::new(&link).is_symlink());
    assert!(
        std::fs::read_to_string(&target)
            .expect("text")
            .contains("public.orders")
    );
}
