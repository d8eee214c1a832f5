//! Logs, and how far they say that the rehearsal got.

use super::*;
use crate::migration::{BatchOptions, Tables};
use crate::observation::StepRecord;
use crate::rehearsal::Conditions;
use crate::rehearsal::batches::walk_plan::Bounds;
use crate::rehearsal::resume::RehearsalPlace;

fn beginning() -> LogLine {
    let database = serde_json::json!({"system_identifier": 1, "oid": 2, "name": "shop"});
    LogLine::Begin(Box::new(Beginning {
        format_version: FORMAT_VERSION,
        place: RehearsalPlace {
            database: serde_json::from_value(database).expect("an identity"),
            is_copy: false,
        },
        tables: Tables::new(),
        batching: BatchOptions::default(),
        conditions: Conditions::default(),
        rehearsal: Rehearsal {
            steps: vec![StepRecord::default(), StepRecord::default()],
            ..Rehearsal::default()
        },
    }))
}

fn walk() -> LogLine {
    LogLine::Walk(WalkPlan {
        total_rows: 30.0,
        total_rows_relative_sd: 0.0,
        total_batches: 3.0,
        is_dense: true,
        bounds: Bounds::Integers { first: 1, last: 30 },
    })
}

fn windows(count: usize) -> LogLine {
    let batch = serde_json::json!({"window": {"start": ["1"], "end": ["10"]}, "position": 0.0});
    let batch: PlannedBatch = serde_json::from_value(batch).expect("a batch");
    LogLine::Windows(vec![batch; count])
}

fn batch(transaction: u64) -> LogLine {
    LogLine::Batch {
        transaction: Some(transaction),
        observation: Observation::default(),
        full_page_images_before: Some(transaction),
    }
}

fn place() -> LogLine {
    LogLine::Place {
        number: 0,
        going_on: None,
    }
}

fn done(index: usize) -> LogLine {
    LogLine::Done {
        records: vec![(
            index,
            StepRecord {
                complete: true,
                ..StepRecord::default()
            },
        )],
        events: Vec::new(),
    }
}

fn log(lines: &[LogLine]) -> String {
    let lines = lines
        .iter()
        .map(|line| serde_json::to_string(line).expect("JSON") + "\n");
    lines.collect()
}

fn read(lines: &[LogLine]) -> CutOff {
    CutOff::of_log(log(lines).as_bytes(), "rehearsal.resume").expect("a log")
}

fn refused(text: &str) -> String {
    let error = CutOff::of_log(text.as_bytes(), "rehearsal.resume").expect_err("no log");
    error.message().to_string()
}

#[test]
fn a_step_that_is_done_is_behind_it() {
    let step = |index| LogLine::Step {
        index,
        next_transaction: 5,
    };
    let committing = LogLine::Committing { transaction: Some(7) };
    let cut_off = read(&[beginning(), step(0), committing, done(0)]);
    assert_eq!(
        (cut_off.step, cut_off.begun, cut_off.last_committed),
        (1, None, Some(7))
    );
    assert!(cut_off.rehearsal.steps[0].complete && !cut_off.rehearsal.steps[1].complete);
    let committing = LogLine::Committing { transaction: Some(9) };
    let cut_off = read(&[beginning(), step(0), done(0), step(1), committing]);
    assert_eq!(
        (cut_off.step, cut_off.begun, cut_off.commit),
        (1, Some(5), Commit::Sent(Some(9)))
    );
}

#[test]
fn what_the_server_lost_is_taken_back_where_it_goes_on() {
    let step = LogLine::Step {
        index: 0,
        next_transaction: 5,
    };
    let going_on = GoingOn {
        start: None,
        kept: 1,
        unmeasured: 2,
    };
    let again = LogLine::Place {
        number: 0,
        going_on: Some(going_on),
    };
    let lines = [
        beginning(),
        step,
        walk(),
        place(),
        windows(3),
        batch(6),
        batch(7),
        again,
    ];
    let walk = read(&lines).walk.expect("a walk");
    assert_eq!((walk.observations.len(), walk.unmeasured), (1, 2));
    assert!(walk.acknowledged.is_empty() && walk.windows.is_empty());
}

/// Replaces the `nth` number of a document with `absurd`; `None` if there are fewer numbers.
fn with_absurd(value: &mut serde_json::Value, nth: &mut usize, absurd: &serde_json::Value) -> Option<()> {
    match value {
        serde_json::Value::Number(_) if *nth == 0 => {
            *value = absurd.clone();
            Some(())
        }
        serde_json::Value::Number(_) => {
            *nth -= 1;
            None
        }
        serde_json::Value::Array(values) => values.iter_mut().find_map(|value| with_absurd(value, nth, absurd)),
        serde_json::Value::Object(fields) => fields.values_mut().find_map(|value| with_absurd(value, nth, absurd)),
        _ => None,
    }
}

#[test]
fn any_number_of_a_log_may_be_absurd() {
    let step = LogLine::Step {
        index: 0,
        next_transaction: 5,
    };
    let session = LogLine::Session {
        process: 7,
        started: Some(9),
        boot: None,
    };
    let lines = [
        beginning(),
        session,
        step,
        walk(),
        place(),
        windows(3),
        batch(6),
        batch(7),
    ];
    let text = log(&lines);
    let mut tried = 0;
    for (number, line) in text.lines().enumerate() {
        for absurd in ["1e308", "-1", "-1e308", "18446744073709551615", "0.5", "1e-308"] {
            let absurd = serde_json::from_str(absurd).expect("a number");
            for nth in 0.. {
                let mut value = serde_json::from_str(line).expect("JSON");
                if with_absurd(&mut value, &mut nth.clone(), &absurd).is_none() {
                    break;
                }
                let changed = text.lines().enumerate().map(|(other, line)| {
                    if other == number {
                        format!("{value}\n")
                    } else {
                        format!("{line}\n")
                    }
                });
                // The log may be refused; if it is accepted, its design must be valid.
                if let Ok(cut_off) = CutOff::of_log(changed.collect::<String>().as_bytes(), "log")
                    && let Some(walk) = &cut_off.walk
                {
                    let conditions = &cut_off.beginning.conditions;
                    let design = crate::rehearsal::batches::walk_design::design_of(conditions, walk.plan.total_batches);
                    assert!(design.beginning().batches > 0);
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried} logs");
}

#[test]
fn a_torn_line_is_what_was_being_written() {
    let whole = log(&[
        beginning(),
        LogLine::Step {
            index: 0,
            next_transaction: 5,
        },
    ]);
    let torn = format!("{whole}{{\"commit");
    let cut_off = CutOff::of_log(torn.as_bytes(), "rehearsal.resume").expect("a log");
    assert_eq!((cut_off.begun, cut_off.bytes), (Some(5), whole.len() as u64));
}

#[test]
fn what_is_no_log_is_refused() {
    assert!(refused("").contains("ends before the rehearsal began"));
    assert!(refused("{}\n").contains("is damaged at line 1"));
    assert!(refused("{\"begin\":{\"format_version\":99}}\n").contains("has format_version 99"));
    // More batches than were planned, and a step that does not exist.
    let step = || LogLine::Step {
        index: 0,
        next_transaction: 5,
    };
    let more = [beginning(), step(), walk(), place(), windows(1), batch(6), batch(7)];
    assert!(refused(&log(&more)).contains("is damaged at line 7"));
    assert!(refused(&log(&[beginning(), done(9)])).contains("is damaged at line 2"));
}
