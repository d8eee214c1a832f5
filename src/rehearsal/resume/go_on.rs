//! Continues a rehearsal that was cut off, once it is settled where.

use super::cut_off::CutOff;
use super::settle::settle;
use crate::error::Result;
use crate::migration::Step;
use crate::observation::Resumption;
use crate::rehearsal::failure::failure;
use crate::rehearsal::rehearse::{Begin, Workplace, walk};

/// Continues a rehearsal that was cut off, starting with the first of `steps` that is not done.
///
/// # Errors
/// As [`rehearse`]; `Usage` when it cannot be told what was committed, `UnsafeTarget` when the clone was set back.
pub fn go_on(mut workplace: Workplace, steps: &[Step], cut_off: &CutOff) -> Result<()> {
    let Workplace {
        clone,
        rehearsal,
        journal,
        monitor,
        ..
    } = &mut workplace;
    let continuation = settle(clone, cut_off, steps)?;
    journal.begin(rehearsal)?;
    for index in continuation.unmeasured.clone() {
        let record = &mut rehearsal.steps[index];
        let reason = "it was committed when the rehearsal was cut off, and nobody measured its time";
        record.passed_over = Some(reason.to_string());
        journal.log().done(vec![(index, record.clone())], &rehearsal.events);
    }
    let elapsed = continuation.walk.as_ref().and_then(|walk| walk.observations.last());
    let resumption = Resumption {
        at: cut_off.found_at.clone(),
        away_seconds: cut_off.away_seconds,
        step: continuation.step as u32 + 1,
        elapsed: elapsed.map_or(0.0, |last| last.elapsed),
        under_way: continuation.under_way,
    };
    monitor.goes_on(&resumption);
    journal.log().resumed(&resumption);
    rehearsal.resumptions.push(resumption);
    for statement in &continuation.repeated {
        clone
            .client()
            .batch_execute(statement)
            .map_err(|error| failure(&error))?;
    }
    let begin = Begin {
        run: 0,
        step: continuation.step,
        go_on: continuation.walk,
    };
    walk(workplace, steps, begin)
}
