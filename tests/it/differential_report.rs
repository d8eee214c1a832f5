//! The figures of the differential test, as `reports/accuracy/differential.csv` and `docs/accuracy.md` have them.

use crate::differential::Tally;

const FILE: &str = "reports/accuracy/differential.csv";
const HEAD: &str =
    "version,mode,judged,exact,unclassified,missed_strong_lock,missed_rewrite,missed_scan,missed_weak_lock,extra";

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
