//! Ten pairs of five families, judged here and by NumPy and SciPy.

use super::super::pair::tests::pair;
use super::*;

const PAIRS: [(&str, bool, f64, f64); 10] = [
    ("a", true, 10.0, 9.0),
    ("a", true, 10.0, 11.5),
    ("b", true, 8.0, 8.1),
    ("b", true, 8.0, 11.0),
    ("c", true, 20.0, 19.0),
    ("c", true, 20.0, 20.5),
    ("d", false, 10.0, 9.0),
    ("d", false, 8.0, 10.0),
    ("e", false, 12.0, 12.6),
    ("e", false, 9.0, 14.0),
];

fn pairs() -> Vec<Pair> {
    PAIRS
        .map(|(family, judging, predicted, actual)| pair(family, judging, predicted, actual))
        .to_vec()
}

fn check(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
}

fn named<'a>(judgement: &'a Judgement, name: &str) -> &'a Subject {
    judgement
        .subjects
        .iter()
        .find(|subject| subject.name == name)
        .expect(name)
}

// numpy: m, T = the judging rows' columns; for f, a in ((1.05, .5), (1.1, .2), (1.2, .05)): l, u = m/f, m*f;
// ((l <= T) & (T <= u)).sum(); ((u - l + 2/a*np.maximum(l - T, 0) + 2/a*np.maximum(T - u, 0)) / T).mean();
// np.quantile(abs(m/T - 1), [.5, .9]); np.exp(np.log(m/T).mean()) - 1 for each family
// scipy.stats.binomtest(5, 6).proportion_ci(.95, method='wilson')
#[test]
fn what_migtime_is_judged_by_agrees_with_numpy() {
    let judgement = judge(&pairs(), 1).expect("pairs that judge");
    let migtime = named(&judgement, "migtime");
    assert_eq!(
        (
            migtime.pairs,
            migtime.families,
            judgement.pairs,
            judgement.judging_pairs
        ),
        (6, 3, 10, 6)
    );
    let counts: Vec<usize> = migtime.held.iter().map(|held| held.count).collect();
    assert_eq!(counts, [2, 3, 5]);
    check(migtime.score_80, 0.604_754_450_023_622_9);
    check(migtime.score_95, 1.198_275_358_650_876_3);
    check(migtime.median_error, 0.081_871_345_029_239_72);
    check(migtime.ninth_error, 0.201_581_027_667_984_2);
    check(migtime.half_width, 0.183_333_333_333_333_3);
    let nearly_all = migtime.held[2];
    check(nearly_all.wilson_lower, 0.436_497_177_813_529_7);
    check(nearly_all.wilson_upper, 0.969_946_630_251_693_3);
    // Of three families, the one in which half is held may be drawn three times, or never.
    assert_eq!(
        (nearly_all.families_lower, nearly_all.families_upper),
        (Some(0.5), Some(1.0))
    );
    let biases = judgement.families.iter().map(|family| family.bias.expect("predicted"));
    let expected = [
        -0.017_053_625_634,
        -0.152_477_698_448,
        0.013_389_183_876,
        -0.057_190_958_418,
        -0.217_539_203_564,
    ];
    biases.zip(expected).for_each(|(bias, expected)| check(bias, expected));
}

// numpy: the factor of numpy's minimum over the rows that do not judge, as in `score`, is 1.56049; its score on the
// others as above. The line is 0.9 T with an error of 0.02 T: t = scipy.stats.t.ppf(.975, 149)*.02, 2*t + 40*(.1 - t)
#[test]
fn baselines_agree_with_numpy() {
    let judgement = judge(&pairs(), 1).expect("pairs that judge");
    let factor = named(&judgement, "mean of the segments, best fixed factor");
    check(judgement.fixed_factor.expect("fitted"), 1.560_490_195_832_666_7);
    assert_eq!((factor.held[2].count, judgement.fitted_pairs), (6, 4));
    check(factor.score_95, 0.877_337_485_279_835_1);
    check(
        named(&judgement, "first 15 %, linear, t-interval").score_95,
        2.498_229_984_956_214_6,
    );
    check(named(&judgement, "first 15 %, last rate").score_95, 2.0);
}

#[test]
fn outcomes_are_counted_in_the_bins_of_the_prediction() {
    let judgement = judge(&pairs(), 1).expect("pairs that judge");
    let counts: Vec<usize> = judgement.pit.iter().map(|bin| bin.count).collect();
    assert_eq!(counts, [0, 1, 1, 0, 2, 0, 1, 1]);
    check(judgement.pit.iter().map(|bin| bin.to - bin.from).sum(), 1.0);
    check(judgement.pit.iter().map(|bin| bin.share).sum(), 1.0);
}

#[test]
fn refusals_are_counted_and_not_judged() {
    let mut pairs = pairs();
    pairs[0].status = Status::Refused;
    pairs[0].predicted = None;
    pairs[1].status = Status::Provisional;
    let judgement = judge(&pairs, 1).expect("others judge");
    assert_eq!((judgement.refused, judgement.provisional), (1, 1));
    assert_eq!(
        (
            named(&judgement, "migtime").pairs,
            named(&judgement, "where it promises").pairs
        ),
        (5, 4)
    );
    assert_eq!(judgement.families[0].refused, 1);
    assert_eq!(
        judge(&pairs, 1).expect("again"),
        judgement,
        "the same seed, the same judgement"
    );
}

#[test]
fn without_a_family_that_judges_there_is_no_judgement() {
    let fitting: Vec<Pair> = pairs().into_iter().filter(|pair| !pair.judging).collect();
    let error = judge(&fitting, 1).expect_err("nobody judges");
    assert_eq!(error.kind(), ErrorKind::TooLittleEvidence);
    let judging: Vec<Pair> = pairs().into_iter().filter(|pair| pair.judging).collect();
    let judgement = judge(&judging, 1).expect("a judgement without a factor");
    assert!(judgement.fixed_factor.is_none() && judgement.subjects.iter().all(|one| !one.name.contains("factor")));
}
