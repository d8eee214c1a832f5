//! Verdicts on runs whose true difference is known.

use super::*;
use crate::migration::{StepKind, Walk};
use crate::model::batch_log;
use crate::observation::{Benchmark, EndReason, Ending, RunRecord};
use crate::stats::random::{generator, standard_normal};

/// A rehearsal of one statement with one run for each of `seconds`.
fn runs(seconds: &[f64]) -> Rehearsal {
    let mut rehearsal = batch_log::read("rows,seconds\n100,1\n", "log.csv", 100.0).expect("a batch log");
    rehearsal.steps[0].kind = StepKind::IndexBuild;
    rehearsal.steps[0].batching = None;
    let one = rehearsal.steps[0].observations[0].clone();
    rehearsal.steps[0].observations = seconds
        .iter()
        .enumerate()
        .map(|(run, seconds)| {
            let mut observation = one.clone();
            (observation.run, observation.seconds) = (run as u32, *seconds);
            observation
        })
        .collect();
    rehearsal.benchmark = Some(Benchmark {
        scenario: "s".to_string(),
        runs: (0..seconds.len() as u32)
            .map(|number| RunRecord {
                number,
                started_at: format!("2026-01-01T00:00:{number:02}Z"),
            })
            .collect(),
        ..Benchmark::default()
    });
    rehearsal
}

fn named(name: &str, rehearsal: Rehearsal) -> NamedRehearsal {
    NamedRehearsal {
        name: name.to_string(),
        rehearsal,
    }
}

fn compared(base: Rehearsal, new: Rehearsal) -> Judgement {
    let comparison = compare(&[named("s", base)], &[named("s", new)], &CompareOptions::default());
    comparison.expect("one of each").judgements.remove(0)
}

fn check(base: &[f64], new: &[f64], expected: ChangeVerdict) -> Judgement {
    let judgement = compared(runs(base), runs(new));
    assert_eq!(judgement.verdict, expected, "{judgement:?}");
    judgement
}

const BASE: [f64; 5] = [10.0, 10.2, 9.9, 10.1, 9.8];

#[test]
fn a_slowdown_is_called_when_it_is_more_than_chance_and_margin() {
    let judgement = check(&BASE, &[12.0, 12.3, 11.9], ChangeVerdict::Regression);
    // C(8, 3) = 56, and no other three runs are slower.
    assert_eq!(judgement.p_value, Some(1.0 / 56.0));
    let ratio = judgement.ratio.expect("a ratio");
    assert!((ratio.point - 1.2066).abs() < 1e-3 && ratio.lower > 1.0 && ratio.upper > ratio.point);
    check(&BASE, &[8.0, 8.3, 7.9], ChangeVerdict::Improvement);
    check(&BASE, &[10.0, 10.2, 9.7], ChangeVerdict::NoDifferenceSeen);
}

#[test]
fn what_is_certain_but_small_disturbs_nobody() {
    let judgement = check(&BASE, &[10.3, 10.4, 10.35], ChangeVerdict::NoDifferenceSeen);
    assert_eq!(judgement.p_value, Some(1.0 / 56.0));
}

#[test]
fn every_verdict_states_what_could_have_gone_unseen() {
    let noisy = check(
        &[8.0, 12.0, 10.0, 9.0, 11.0],
        &[10.0, 9.0, 11.5],
        ChangeVerdict::NoDifferenceSeen,
    );
    let quiet = check(&BASE, &[10.0, 10.1, 9.9], ChangeVerdict::NoDifferenceSeen);
    let unseen = |judgement: &Judgement| judgement.minimum_detectable.expect("stated");
    assert!(unseen(&noisy) > unseen(&quiet) && unseen(&quiet) > 1.05);
}

#[test]
fn too_few_runs_say_what_they_can_and_how_many_could() {
    for (base, new) in [(1, 1), (3, 1), (2, 2)] {
        let judgement = check(&vec![1.0; base], &vec![9.0; new], ChangeVerdict::TooFewRuns);
        assert!(judgement.minimum_detectable.is_none());
        let reason = judgement.reason.expect("a reason");
        assert!(reason.contains("3 of each could"), "{reason}");
    }
    // C(6, 3) = 20: one in twenty is 5 %.
    check(&[1.0; 3], &[9.0; 3], ChangeVerdict::Regression);
    check(&[], &BASE, ChangeVerdict::TooFewRuns);
}

#[test]
fn five_against_three_are_too_few_among_four_scenarios() {
    let side = |seconds: &[f64]| -> Vec<NamedRehearsal> {
        (0..4).map(|number| named(&number.to_string(), runs(seconds))).collect()
    };
    let options = CompareOptions::default();
    let comparison = compare(&side(&BASE), &side(&[20.0, 21.0, 22.0]), &options).expect("pairs");
    assert_eq!(comparison.verdict, ChangeVerdict::TooFewRuns);
    let reason = comparison.judgements[0].reason.clone().expect("a reason");
    assert!(
        reason.contains("among 4 comparisons") && reason.contains("5 of each could"),
        "{reason}"
    );
    let comparison = compare(&side(&BASE), &side(&BASE.map(|seconds| 2.0 * seconds)), &options).expect("pairs");
    assert_eq!(comparison.with(ChangeVerdict::Regression).count(), 4);
    assert_eq!(comparison.judgements[0].adjusted_p_value, Some(4.0 / 252.0));
}

#[test]
fn names_are_paired_and_the_others_are_told() {
    let options = CompareOptions::default();
    let side = |names: &[&str]| -> Vec<NamedRehearsal> { names.iter().map(|name| named(name, runs(&BASE))).collect() };
    let comparison = compare(&side(&["a", "b"]), &side(&["b", "c"]), &options).expect("b is in both");
    assert_eq!(comparison.judgements[0].name, "b");
    assert_eq!(
        (comparison.only_in_base, comparison.only_in_new),
        (vec!["a".into()], vec!["c".into()])
    );
    compare(&side(&["a"]), &side(&["b"]), &options).expect("one of each is meant");
    let message = |base: &[&str], new: &[&str]| {
        let error = compare(&side(base), &side(new), &options).expect_err("nothing to compare");
        assert_eq!(error.kind(), ErrorKind::Usage);
        error.message().to_string()
    };
    assert_eq!(message(&["a", "b"], &["c", "d"]), "BASE and NEW have nothing in common");
    assert_eq!(message(&["a", "a"], &["a"]), "BASE holds two measurements of a");
    assert_eq!(message(&[], &["a"]), "BASE and NEW have nothing in common");
}

#[test]
fn other_work_is_not_compared() {
    let with = |change: fn(&mut Rehearsal)| {
        let mut new = runs(&BASE);
        change(&mut new);
        let mut base = runs(&BASE);
        base.benchmark.as_mut().expect("there").rows = Some(100);
        let judgement = compared(base, new);
        assert_eq!(judgement.verdict, ChangeVerdict::NotComparable);
        judgement.reason.expect("a reason")
    };
    let more_rows = with(|new| new.benchmark.as_mut().expect("there").rows = Some(7));
    assert!(more_rows.contains("100 rows in BASE and 7 in NEW"), "{more_rows}");
    let seed = with(|new| (new.seed, new.throwaway) = (2, true));
    assert!(seed.contains("seed 0, NEW with 2"), "{seed}");
    let partly = with(|new| new.steps[0].complete = false);
    assert!(partly.contains("in part"), "{partly}");
}

#[test]
fn what_else_differs_is_told_and_does_not_forbid() {
    let mut new = runs(&BASE);
    new.server.version_num = 160_004;
    new.server.settings.insert("work_mem".to_string(), "64MB".to_string());
    new.benchmark.as_mut().expect("there").machine.processors = 8;
    let judgement = compared(runs(&BASE), new);
    assert_eq!(judgement.verdict, ChangeVerdict::NoDifferenceSeen);
    let told = judgement.warnings.join("\n");
    for words in [
        "16.4 in NEW",
        "work_mem differs: not known in BASE, 64MB in NEW",
        "machine differs",
    ] {
        assert!(told.contains(words), "{words} is not in {told}");
    }
    assert!(!told.contains("one after the other"), "{told}");
    let mut later = runs(&BASE);
    for run in &mut later.benchmark.as_mut().expect("there").runs {
        run.started_at = run.started_at.replace("2026", "2027");
    }
    assert!(compared(runs(&BASE), later).warnings[0].contains("one after the other"));
}

#[test]
fn a_run_that_was_cut_off_does_not_count() {
    let mut new = runs(&[10.0, 10.0, 10.0, 0.1]);
    new.benchmark = None;
    new.ended = Some(Ending {
        reason: EndReason::Interrupted,
        message: String::new(),
    });
    assert_eq!(compared(runs(&BASE), new).new.runs, 3);
}

/// Two runs of a walk of 400 batches, replayed in two segments of five batches; the second run was shorter.
fn replayed(pace: f64) -> Rehearsal {
    let mut rehearsal =
        batch_log::read(&format!("rows,seconds\n{}", "100,1\n".repeat(20)), "log.csv", 40_000.0).expect("a batch log");
    let step = &mut rehearsal.steps[0];
    step.complete = false;
    let batching = step.batching.as_mut().expect("batched");
    (batching.walk, batching.total_batches) = (Walk::Rows, 400.0);
    for (index, observation) in step.observations.iter_mut().enumerate() {
        observation.run = index as u32 / 10;
        observation.segment = index as u32 % 10 / 5;
        observation.position = if observation.segment == 0 { 0.1 } else { 0.6 } + (index % 5) as f64 / 400.0;
        observation.warm_up = index % 5 == 0;
        observation.seconds = pace;
    }
    step.observations.truncate(18);
    rehearsal.ended = Some(Ending {
        reason: EndReason::MaxDuration,
        message: String::new(),
    });
    rehearsal
}

#[test]
fn replays_in_part_are_compared_at_the_places_they_share() {
    let judgement = compared(replayed(0.01), replayed(0.02));
    assert_eq!((judgement.base.runs, judgement.new.runs), (2, 2));
    assert!((judgement.base.mean_seconds - 4.0).abs() < 1e-9, "{judgement:?}");
    assert!((judgement.ratio.expect("a ratio").point - 2.0).abs() < 1e-9);
    let mut elsewhere = replayed(0.02);
    for observation in &mut elsewhere.steps[0].observations {
        observation.position += 0.05;
    }
    let judgement = compared(replayed(0.01), elsewhere);
    assert_eq!(judgement.verdict, ChangeVerdict::NotComparable);
    assert!(judgement.reason.expect("a reason").contains("other places"));
}

#[test]
fn steps_are_described_and_judged_one_by_one_when_asked() {
    let two_steps = |second: f64| {
        let mut rehearsal = runs(&BASE);
        let mut step = rehearsal.steps[0].clone();
        step.number = 2;
        step.observations
            .iter_mut()
            .for_each(|observation| observation.seconds *= second);
        rehearsal.steps.push(step);
        rehearsal
    };
    let judgement = compared(two_steps(0.1), two_steps(0.2));
    assert_eq!(judgement.verdict, ChangeVerdict::Regression);
    let ratios: Vec<f64> = judgement
        .steps
        .iter()
        .map(|step| step.ratio.expect("a ratio").point)
        .collect();
    assert!((ratios[0] - 1.0).abs() < 1e-9 && (ratios[1] - 2.0).abs() < 1e-9);
    let options = CompareOptions {
        each_step: true,
        ..CompareOptions::default()
    };
    let comparison = compare(&[named("s", two_steps(0.1))], &[named("s", two_steps(0.2))], &options).expect("steps");
    let verdicts: Vec<ChangeVerdict> = comparison
        .judgements
        .iter()
        .map(|judgement| judgement.verdict)
        .collect();
    assert_eq!(verdicts, [ChangeVerdict::NoDifferenceSeen, ChangeVerdict::Regression]);
}

#[test]
fn pairs_of_segments_are_judged_by_their_differences() {
    let duet = |factor: f64| {
        let text = format!("rows,seconds\n{}", "100,0.01\n".repeat(40));
        let mut rehearsal = batch_log::read(&text, "log.csv", 40_000.0).expect("a batch log");
        let mut generator = generator(4);
        for (index, observation) in rehearsal.steps[0].observations.iter_mut().enumerate() {
            observation.segment = index as u32 / 2;
            // The differences between places are much larger than those between the migrations.
            let place = 1.0 + (index / 2 % 7) as f64;
            observation.seconds = 0.01 * place * factor * (0.02 * standard_normal(&mut generator)).exp();
        }
        rehearsal.benchmark = Some(Benchmark {
            in_pairs: true,
            ..Benchmark::default()
        });
        rehearsal
    };
    let judgement = compared(duet(1.0), duet(1.1));
    assert_eq!(
        (judgement.verdict, judgement.base.runs),
        (ChangeVerdict::Regression, 20)
    );
    assert!(judgement.in_pairs && judgement.minimum_detectable.expect("stated") < 1.1);
    assert_eq!(compared(duet(1.0), duet(1.0)).verdict, ChangeVerdict::NoDifferenceSeen);
    assert_eq!(compared(duet(1.0), duet(0.9)).verdict, ChangeVerdict::Improvement);
}

#[test]
fn impossible_questions_are_refused() {
    for (margin, level) in [(f64::NAN, 0.95), (-0.1, 0.95), (0.05, 1.0), (f64::INFINITY, 0.9)] {
        let options = CompareOptions {
            margin,
            level,
            ..CompareOptions::default()
        };
        let error = compare(&[named("s", runs(&BASE))], &[named("s", runs(&BASE))], &options);
        assert_eq!(error.expect_err("no such margin").kind(), ErrorKind::Usage);
    }
}

#[test]
fn the_same_comparison_gives_the_same_bytes() {
    let many: Vec<f64> = (0..30).map(|index| 10.0 + f64::from(index) * 0.01).collect();
    let once = || {
        let sides = (named("s", runs(&many)), named("s", runs(&many)));
        compare(&[sides.0], &[sides.1], &CompareOptions::default())
            .expect("a comparison")
            .to_json()
    };
    assert_eq!(once(), once());
}
