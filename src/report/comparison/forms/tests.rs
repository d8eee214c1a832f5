//! The text of a comparison as a person reads it.

use super::*;
use crate::model::compare::{Ratio, Side};
use crate::report::ci::Level;

fn judgement(name: &str, verdict: ChangeVerdict) -> Judgement {
    Judgement {
        name: name.to_string(),
        migration: format!("migrations/{name}.sql"),
        step: None,
        verdict,
        reason: None,
        in_pairs: false,
        base: Side {
            runs: 5,
            mean_seconds: 10.0,
        },
        new: Side {
            runs: 3,
            mean_seconds: 13.1,
        },
        ratio: Some(Ratio {
            point: 1.31,
            lower: 1.12,
            upper: 1.53,
        }),
        relative_sd: Some(0.06),
        minimum_detectable: Some(1.099),
        p_value: Some(1.0 / 56.0),
        adjusted_p_value: Some(1.0 / 56.0),
        steps: Vec::new(),
        warnings: vec!["BASE and NEW were measured one after the other: drift".to_string()],
    }
}

fn comparison(judgements: Vec<Judgement>) -> Comparison {
    Comparison {
        kind: "comparison".to_string(),
        format_version: 1,
        verdict: judgements.iter().map(|judgement| judgement.verdict).max().expect("one"),
        margin: 0.05,
        alpha: 0.05,
        power: 0.8,
        level: 0.95,
        seed: 1,
        judgements,
        only_in_base: vec!["gone".to_string()],
        only_in_new: Vec::new(),
    }
}

fn check(judgements: Vec<Judgement>, expected: &str) -> Comparison {
    let comparison = comparison(judgements);
    assert_eq!(comparison_answer(&comparison), expected);
    for text in [
        comparison_terminal(&comparison, 100, false),
        comparison_markdown(&comparison),
    ] {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("only in BASE"), "{text}");
    }
    comparison
}

#[test]
fn the_answer_names_the_regression_its_size_and_what_went_unseen() {
    let answer =
        "Regression: purge takes longer by +31 % (95 % interval +12 % to +53 %); could not have seen less than +9.9 %.";
    let comparison = check(vec![judgement("purge", ChangeVerdict::Regression)], answer);
    let text = comparison_terminal(&comparison, 200, false);
    for words in [
        "5 v 3",
        "10s",
        "13s",
        "1.8 %",
        "warning: BASE and NEW",
        "hint: `migtime bench BASE_FOLDER",
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
}

#[test]
fn several_are_told_by_the_gravest() {
    let all = |verdicts: &[ChangeVerdict]| -> Vec<Judgement> {
        let named = verdicts.iter().zip(["a", "b", "c"]);
        named.map(|(verdict, name)| judgement(name, *verdict)).collect()
    };
    use ChangeVerdict::{Improvement, NoDifferenceSeen, NotComparable, Regression, TooFewRuns};
    check(
        all(&[NoDifferenceSeen, Regression, TooFewRuns]),
        "Regression in 1 of 3: b.",
    );
    check(all(&[NotComparable, TooFewRuns]), "No verdict in 2 of 2: b, a.");
    check(
        all(&[Improvement, NoDifferenceSeen]),
        "No regression. Improvement in 1 of 2: a.",
    );
    check(all(&[NoDifferenceSeen, NoDifferenceSeen]), "No difference seen in 2.");
}

#[test]
fn findings_are_what_fails_a_job() {
    let verdicts = [
        ChangeVerdict::Regression,
        ChangeVerdict::NoDifferenceSeen,
        ChangeVerdict::TooFewRuns,
    ];
    let judgements = verdicts.map(|verdict| judgement("m", verdict)).to_vec();
    let findings = comparison_findings(&comparison(judgements));
    let rules: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::Regression, Rule::CannotBeJudged]);
    assert!(
        findings
            .iter()
            .all(|finding| finding.level == Level::Error && finding.file == "migrations/m.sql")
    );
}

#[test]
fn machines_get_a_verdict_a_migration() {
    let judgements = vec![
        judgement("a", ChangeVerdict::Regression),
        judgement("b", ChangeVerdict::NoDifferenceSeen),
    ];
    let verdicts = comparison_verdicts(&comparison(judgements), &|file| format!("db/{file}"));
    let told: Vec<(&str, usize)> = verdicts
        .iter()
        .map(|verdict| (verdict.migration.as_str(), verdict.findings.len()))
        .collect();
    assert_eq!(told, [("db/migrations/a.sql", 1), ("db/migrations/b.sql", 0)]);
    assert!(verdicts[0].failed() && verdicts[0].findings[0].file == "db/migrations/a.sql");
    let annotations = ci::Document::GithubAnnotations.render(&verdicts);
    assert!(
        annotations.contains("::error") && annotations.contains("takes longer by +31 %25"),
        "{annotations}"
    );
    let junit = ci::Document::Junit.render(&verdicts);
    assert!(
        junit.contains("<failure") && junit.contains("db/migrations/b.sql"),
        "{junit}"
    );
}

#[test]
fn changes_have_signs_and_units() {
    let check = |ratio, expected: &str| assert_eq!(words::change(ratio), expected);
    check(1.31, "+31 %");
    check(0.958, "−4.2 %");
    check(1.0002, "±0 %");
    check(12.0, "×12");
    check(1.0996, "+10 %");
    assert_eq!(words::p_value(0.00002), "< 0.1 %");
    assert_eq!(words::p_value(0.5), "50 %");
}

#[test]
fn names_cannot_break_the_markdown() {
    let text = comparison_markdown(&comparison(vec![judgement("a|b<i>", ChangeVerdict::Regression)]));
    assert!(text.contains("a\\|b&lt;i>"), "{text}");
    assert!(!text.contains("a|b<i>"), "{text}");
}
