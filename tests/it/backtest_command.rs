//! `backtest` makes real pairs, can be interrupted and goes on where it was, and leaves nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use migtime::model::backtest::{Design, Pair, PairPlan, Status, pairs_from_csv};
use rustix::process::Signal;

use crate::bad_input::{Folder, check_refused, finished, run, send, servers_in, start};
use crate::support::{self, await_condition};

/// One walk, which only fits, and one statement, which judges.
const FAMILIES: [&str; 2] = ["update-rows-packed-narrow-fits", "not-null"];
/// The pairs that each round makes of them.
const KINDS: [(&str, Design); 3] = [
    (FAMILIES[0], Design::Whole),
    (FAMILIES[0], Design::Partial),
    (FAMILIES[1], Design::Quarter),
];

fn backtest(rounds: u32, file: &str, temporary: &Path) -> Command {
    let rounds = rounds.to_string();
    let [walk, statement] = FAMILIES;
    let fixed = [
        "backtest", "--family", walk, "--family", statement, "--scale", "0.01", "-o", file,
    ];
    let mut command = support::migtime(&[&fixed[..], &["--rounds", &rounds]].concat());
    command.env("TMPDIR", temporary);
    command
}

fn pairs(file: &str) -> Vec<Pair> {
    let text = std::fs::read_to_string(file).expect(file);
    pairs_from_csv(&text, file).expect("readable pairs")
}

#[test]
fn an_interrupted_backtest_goes_on_with_the_same_plan_and_leaves_no_server() {
    let folder = Folder::new();
    let temporary = tempfile::tempdir().expect("temporary directory");
    std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let file = folder.path("out/pairs.csv");
    let child = start(&mut backtest(500, &file, temporary.path()));
    await_condition("a pair is saved", || Path::new(&file).exists());
    send(&child, Signal::INT);
    check_refused(finished(child), 5, &["interrupted after", "the same command goes on"]);
    assert_eq!(servers_in(temporary.path()).len(), 0);
    let before = pairs(&file);
    let rounds = before.iter().map(|pair| pair.run).max().expect("a pair") + 1;

    let output = run(&mut backtest(rounds, &file, temporary.path()));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("going on after the"), "{said}");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.starts_with("The 95 % interval held in"), "{table}");
    assert_eq!(folder.names("out"), ["pairs.csv"]);
    assert_eq!(servers_in(temporary.path()).len(), 0);

    let all = pairs(&file);
    assert_eq!(all[..before.len()], before[..], "what was measured stays");
    for (family, design) in KINDS {
        let mut of_kind: Vec<&Pair> = all
            .iter()
            .filter(|pair| (pair.family.as_str(), pair.design) == (family, design))
            .collect();
        of_kind.sort_by_key(|pair| pair.run);
        let runs: Vec<u32> = of_kind.iter().map(|pair| pair.run).collect();
        assert_eq!(runs, (1..=rounds).collect::<Vec<u32>>(), "{family}");
        for pair in of_kind {
            let plan = PairPlan::of(1, family, design, pair.run);
            assert_eq!((pair.seed, pair.whole_run_first), (plan.seed, plan.whole_run_first));
        }
    }
    all.iter().for_each(check_numbers);
    // Nothing is left to do, so no server is started.
    let again = run(backtest(rounds, &file, temporary.path()).env("MIGTIME_PG_BIN", "/nowhere"));
    assert_eq!(
        again.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
}

fn check_numbers(pair: &Pair) {
    assert!(pair.status != Status::Refused && pair.server >= 130_000, "{pair:?}");
    assert_eq!(pair.judging, pair.family == "not-null");
    let is_walk = pair.design != Design::Quarter;
    assert_eq!(pair.rows, if is_walk { 2_500 } else { 30_000 });
    assert_eq!(pair.linear.is_some(), is_walk && pair.last_rate.is_some(), "{pair:?}");
    let replayed = pair.share_replayed.expect("replayed");
    assert!(if is_walk { replayed > 0.05 } else { replayed == 0.25 }, "{pair:?}");
    assert!(pair.segment_mean.is_some_and(|mean| mean > 0.0), "{pair:?}");
}
