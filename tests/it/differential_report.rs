//! The figures of the differential test, as `reports/accuracy/differential.csv` and `docs/accuracy.md` have them.

use std::collections::{BTreeMap, BTreeSet};

use migtime::migration::LockMode;

const FILE: &str = "reports/accuracy/differential.csv";
const HEAD: &str =
    "version,mode,judged,exact,unclassified,missed_strong_lock,missed_rewrite,missed_scan,missed_weak_lock,extra";

/// Locks on tables and views, tables and indexes with new storage, tables that were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Done {
    pub locks: BTreeMap<String, LockMode>,
    pub rewritten: BTreeSet<String>,
    pub scanned: BTreeSet<String>,
    /// Tables on which a scan began, and perhaps found no row.
    pub visited: BTreeSet<String>,
}

/// Prints in what a plan and the server differ.
pub(crate) fn note(label: &str, sql: &str, verdict: &str, found: &Done, measured: &Done) {
    println!("{label}: {verdict}: {sql}");
    for (name, mode) in &measured.locks {
        if found.locks.get(name) != Some(mode) {
            println!(
                "    server locks {name} {mode}, plan {:?}",
                found.locks.get(name).map(|mode| mode.to_string())
            );
        }
    }
    for (name, mode) in found
        .locks
        .iter()
        .filter(|(name, _)| !measured.locks.contains_key(*name))
    {
        println!("    plan locks {name} {mode} in vain");
    }
    for (what, plan, server) in [
        ("rewritten", &found.rewritten, &measured.rewritten),
        ("scanned", &found.scanned, &measured.scanned),
    ] {
        for (who, names) in [("server", server - plan), ("plan", plan - server)] {
            if !names.is_empty() {
                println!(
                    "    {what} only by the {who}: {}",
                    names.into_iter().collect::<Vec<_>>().join(", ")
                );
            }
        }
    }
}

/// How many statements came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Those that do something, by the plan or by the server.
    pub judged: usize,
    pub exact: usize,
    /// The plan says that it does not know.
    pub unclassified: usize,
    pub missed_strong_lock: usize,
    pub missed_rewrite: usize,
    pub missed_scan: usize,
    pub missed_weak_lock: usize,
    /// Only more than the server does.
    pub extra: usize,
}

impl Tally {
    /// Returns how many are dangerous to believe.
    pub fn dangerous(self) -> usize {
        self.missed_strong_lock + self.missed_rewrite + self.missed_scan
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.judged += other.judged;
        self.exact += other.exact;
        self.unclassified += other.unclassified;
        self.missed_strong_lock += other.missed_strong_lock;
        self.missed_rewrite += other.missed_rewrite;
        self.missed_scan += other.missed_scan;
        self.missed_weak_lock += other.missed_weak_lock;
        self.extra += other.extra;
    }
}

/// Puts the figures of one version in the place of its former ones.
pub(crate) fn write(version: u32, alone: Tally, chain: Tally) {
    let former = std::fs::read_to_string(FILE).unwrap_or_default();
    let own = format!("{version},");
    let mut lines: Vec<String> = former
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with(&own))
        .map(str::to_owned)
        .collect();
    for (mode, tally) in [("alone", alone), ("chain", chain)] {
        let Tally {
            judged,
            exact,
            unclassified,
            missed_strong_lock,
            missed_rewrite,
            missed_scan,
            missed_weak_lock,
            extra,
        } = tally;
        lines.push(format!(
            "{version},{mode},{judged},{exact},{unclassified},{missed_strong_lock},{missed_rewrite},{missed_scan},\
             {missed_weak_lock},{extra}"
        ));
    }
    lines.sort();
    std::fs::write(FILE, format!("{HEAD}\n{}\n", lines.join("\n"))).expect("the report can be written");
}

/// Returns a line of `docs/accuracy.md` for each of the file.
fn table() -> Vec<String> {
    let text = std::fs::read_to_string(FILE).expect("the report is there");
    let row = |line: &str| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        let number = |cell: &String| cell.parse::<f64>().expect("a number");
        let share = 100.0 * number(&cells[3]) / number(&cells[2]);
        cells[3] = format!("{share:.1} %");
        format!("| {} |", cells.join(" | "))
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn the_figures_are_those_of_the_last_whole_run() {
    let page = std::fs::read_to_string("docs/accuracy.md").expect("the page is there");
    let missing: Vec<String> = table().into_iter().filter(|row| !page.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "docs/accuracy.md lacks:\n{}", missing.join("\n"));
}
