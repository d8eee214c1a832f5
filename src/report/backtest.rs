//! A backtest's judgement as Markdown, CSV and for the terminal, and the list of its families.

use super::csv::{Cell, CsvColumn, csv_of};
use super::markdown::{escaped, table as markdown_table};
use super::terminal::Page;
use super::text::one_line;
use crate::model::backtest::{Family, FamilyResult, Held, Judgement, PitBin, Subject};
use crate::units::{Count, counted};

const SUBJECTS: [&str; 9] = [
    "predicted by",
    "pairs",
    "95 % held",
    "80 % held",
    "50 % held",
    "half width",
    "median error",
    "nine in ten below",
    "score",
];
const FAMILIES: [&str; 6] = ["family", "pairs", "95 % held", "bias", "half width", ""];
const BINS: [&str; 4] = ["predicted probability", "expected", "outcomes", ""];
/// Characters of the histogram's longest bar.
const BAR: f64 = 40.0;

/// Returns the judgement for a terminal of `width` columns.
pub fn backtest_terminal(judgement: &Judgement, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let mut text = page.bold(&answer(judgement));
    text += &format!(
        "\n{}\n\n",
        page.table(&SUBJECTS, 1, &rows(&judgement.subjects, subject_row))
    );
    for sentence in sentences(judgement) {
        text += &page.wrapped(&sentence, 0);
    }
    text += &format!(
        "\n{}\n",
        page.table(&FAMILIES, 1, &rows(&judgement.families, family_row))
    );
    let bins = page.table(&BINS, BINS.len(), &rows(&judgement.pit, bin_row));
    text + &format!("\n{bins}\n")
}

/// Returns the judgement as Markdown; the same pairs and seed give the same bytes.
pub fn backtest_markdown(judgement: &Judgement) -> String {
    let mut text = markdown_table(&SUBJECTS, &escaped_rows(&rows(&judgement.subjects, subject_row)));
    text += &format!("\n{}\n", wrapped(&escaped(&sentences(judgement).join(" "))));
    text += &markdown_table(&FAMILIES, &escaped_rows(&rows(&judgement.families, family_row)));
    text += "\nWhere the outcomes fell in migtime's predicted distributions:\n\n";
    text + &markdown_table(&BINS, &escaped_rows(&rows(&judgement.pit, bin_row)))
}

/// Returns what predicted, one row each, as CSV with plain numbers.
pub fn backtest_csv(judgement: &Judgement) -> Vec<u8> {
    let columns: [CsvColumn<&Subject>; 15] = [
        ("predicted_by", |row| Cell::of(&row.name)),
        ("pairs", |row| Cell::of(row.pairs)),
        ("families", |row| Cell::of(row.families)),
        ("held_50", |row| share(row, 0)),
        ("held_80", |row| share(row, 1)),
        ("held_95", |row| share(row, 2)),
        ("held_95_wilson_lower", |row| Cell::estimated(row.held[2].wilson_lower)),
        ("held_95_wilson_upper", |row| Cell::estimated(row.held[2].wilson_upper)),
        ("held_95_families_lower", |row| Cell::known(row.held[2].families_lower)),
        ("held_95_families_upper", |row| Cell::known(row.held[2].families_upper)),
        ("half_width", |row| Cell::estimated(row.half_width)),
        ("median_error", |row| Cell::estimated(row.median_error)),
        ("ninth_error", |row| Cell::estimated(row.ninth_error)),
        ("score_80", |row| Cell::estimated(row.score_80)),
        ("score_95", |row| Cell::estimated(row.score_95)),
    ];
    csv_of(&columns, &judgement.subjects)
}

/// Returns the families as a table for a terminal of `width` columns, with their rows at `scale`.
pub fn backtest_families(families: &[Family], scale: f64, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let row = |family: &Family| {
        let designs: Vec<&str> = family.designs().iter().map(|design| design.name()).collect();
        let use_of = if family.judges { "judges" } else { "fits" };
        vec![
            family.name.clone(),
            use_of.to_string(),
            designs.join(", "),
            Count(family.rows_at(scale) as f64).to_string(),
        ]
    };
    format!(
        "{}\n",
        page.table(&["Family", "Use", "Predicted", "Rows"], 3, &rows(families, row))
    )
}

fn share(subject: &Subject, level: usize) -> Cell {
    Cell::estimated(subject.held[level].share)
}

fn rows<Row>(all: &[Row], row: impl Fn(&Row) -> Vec<String>) -> Vec<Vec<String>> {
    all.iter().map(row).collect()
}

fn escaped_rows(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    rows.iter()
        .map(|row| row.iter().map(|cell| escaped(cell)).collect())
        .collect()
}

/// Breaks a paragraph into lines as wide as those of the documents.
fn wrapped(text: &str) -> String {
    let page = Page {
        width: 120,
        colour: false,
    };
    page.wrapped(text, 0)
}

/// Says in one sentence what it comes to.
fn answer(judgement: &Judgement) -> String {
    let migtime = &judgement.subjects[0];
    let held = migtime.held[2];
    format!(
        "The 95 % interval held in {} of {} pairs of {}; half width ±{}, median error {}.",
        held.count,
        migtime.pairs,
        counted(migtime.families, "family", "families"),
        percent(migtime.half_width),
        percent(migtime.median_error)
    )
}

/// Says what the numbers rest on.
fn sentences(judgement: &Judgement) -> Vec<String> {
    let versions: Vec<String> = judgement.versions.keys().map(|version| one_line(version)).collect();
    let mut sentences = vec![
        format!(
            "{} by migtime {}; {} of them of families that judge. Of these, {} were refused, and {} have a number that \
             is not promised.",
            counted(judgement.pairs, "pair", "pairs"),
            versions.join(", "),
            judgement.judging_pairs,
            judgement.refused,
            judgement.provisional
        ),
        "In parentheses: Wilson's 95 % interval, then that of the bootstrap over families. The score is the mean \
         interval score at 95 % in units of the outcome; lower is better."
            .to_string(),
    ];
    if let Some(factor) = judgement.fixed_factor {
        sentences.push(format!(
            "The fixed factor, ×/÷ {factor:.2} at 95 %, was fitted on {} of the other families.",
            counted(judgement.fitted_pairs, "pair", "pairs")
        ));
    }
    sentences
}

fn subject_row(subject: &Subject) -> Vec<String> {
    vec![
        one_line(&subject.name),
        subject.pairs.to_string(),
        with_intervals(&subject.held[2]),
        percent(subject.held[1].share),
        percent(subject.held[0].share),
        format!("±{}", percent(subject.half_width)),
        percent(subject.median_error),
        percent(subject.ninth_error),
        format!("{:.2}", subject.score_95),
    ]
}

fn with_intervals(held: &Held) -> String {
    let range = |lower: f64, upper: f64| format!("{:.0}–{:.0}", 100.0 * lower, 100.0 * upper);
    let families = held.families_lower.zip(held.families_upper);
    let families = families.map_or("–".to_string(), |(lower, upper)| range(lower, upper));
    format!(
        "{} ({}; {families})",
        percent(held.share),
        range(held.wilson_lower, held.wilson_upper)
    )
}

fn family_row(family: &FamilyResult) -> Vec<String> {
    let predicted = family.pairs - family.refused;
    let remarks = [
        (!family.judging).then(|| "fits".to_string()),
        (family.refused > 0).then(|| format!("{} refused", family.refused)),
    ];
    let remarks: Vec<String> = remarks.into_iter().flatten().collect();
    vec![
        one_line(&family.name),
        family.pairs.to_string(),
        format!("{} of {predicted}", family.held),
        family
            .bias
            .map_or("–".to_string(), |bias| format!("{:+.0} %", 100.0 * bias)),
        family
            .half_width
            .map_or("–".to_string(), |width| format!("±{}", percent(width))),
        remarks.join(", "),
    ]
}

fn bin_row(bin: &PitBin) -> Vec<String> {
    let tenths = |share: f64| format!("{:.1} %", 100.0 * share);
    vec![
        format!("{} to {}", tenths(bin.from), tenths(bin.to)),
        tenths(bin.to - bin.from),
        format!("{} ({})", bin.count, tenths(bin.share)),
        "█".repeat((BAR * bin.share).round() as usize),
    ]
}

/// Whole percentages: with a few hundred pairs, nothing finer is known.
fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backtest::{families, judge, pairs_from_csv};

    const CSV: &str = include_str!("../../tests/data/backtest/pairs.csv");

    fn judgement() -> Judgement {
        judge(&pairs_from_csv(CSV, "pairs.csv").expect("pairs"), 1).expect("a judgement")
    }

    #[test]
    fn every_form_says_how_often_it_held() {
        let judgement = judgement();
        let terminal = backtest_terminal(&judgement, 140, false);
        assert!(
            terminal.starts_with("The 95 % interval held in 5 of 6 pairs of 3 families;"),
            "{terminal}"
        );
        let markdown = backtest_markdown(&judgement);
        for words in [
            "| migtime | 6 | 83 % (44–97; 50–100) |",
            "| a | 3 | 2 of 2 | -2 % | ±18 % | 1 refused |",
            "×/÷ 1.56",
        ] {
            assert!(markdown.contains(words), "{words} is not in {markdown}");
        }
        assert!(terminal.contains("97.5 % to 100.0 %"), "{terminal}");
        let csv = String::from_utf8(backtest_csv(&judgement)).expect("text");
        assert!(csv.contains("\nmigtime,6,3,0.333333,0.5,0.833333,"), "{csv}");
        assert_eq!(csv.lines().count(), 1 + judgement.subjects.len());
    }

    #[test]
    fn families_are_listed_with_their_rows() {
        let list = backtest_families(&families(), 0.5, 100, false);
        assert!(
            list.lines()
                .any(|line| line.starts_with("not-null") && line.ends_with("1,500,000")),
            "{list}"
        );
        assert_eq!(list.lines().count(), 2 + 32);
    }
}
