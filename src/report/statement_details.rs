//! What was observed of a step besides its time and its locks, in sentences: waits, failed attempts, disk and notes.
//!
//! These are measurements on the clone, not predictions; each sentence says if its number is sampled or a bound.

use crate::observation::{DiskRecord, StepRecord};
use crate::report::text::one_line;
use crate::units::{Bytes, Seconds};

/// Returns what was observed of the step on the clone, one sentence each, without full stops.
pub(super) fn sentences(record: &StepRecord) -> Vec<String> {
    let mut sentences: Vec<String> = record.notes.iter().map(|note| one_line(note)).collect();
    if !record.waits.is_empty() {
        let waits = record.waits.iter();
        let each: Vec<String> = waits
            .map(|wait| format!("{} {}", Seconds(wait.seconds), one_line(&wait.waiting_for)))
            .collect();
        sentences.push(format!(
            "waited for other sessions on the clone, which is left out of the estimate: {}",
            each.join(", ")
        ));
    }
    if !record.rewritten.is_empty() {
        sentences.push(format!("rewrote {}", one_line(&record.rewritten.join(", "))));
    }
    if !record.scanned.is_empty() {
        sentences.push(format!(
            "read from end to end: {}",
            one_line(&record.scanned.join(", "))
        ));
    }
    sentences.extend(record.disk.iter().filter_map(disk));
    sentences
}

/// Returns the disk it used; `None` when it changed no size.
fn disk(disk: &DiskRecord) -> Option<String> {
    if disk.before_bytes == disk.after_bytes && disk.peak_temporary_bytes == 0 {
        return None;
    }
    let meanwhile = match disk.peak_temporary_bytes {
        0 => String::new(),
        bytes => format!(", and at most {} more while it ran", Bytes(bytes)),
    };
    Some(format!(
        "disk of what it touched on the clone: {} before, {} after{meanwhile}",
        Bytes(disk.before_bytes),
        Bytes(disk.after_bytes)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::WaitRecord;

    #[test]
    fn only_what_was_seen_is_said() {
        assert!(sentences(&StepRecord::default()).is_empty());
        let unchanged = DiskRecord {
            before_bytes: 8192,
            after_bytes: 8192,
            ..DiskRecord::default()
        };
        assert_eq!(disk(&unchanged), None);
        let record = StepRecord {
            waits: vec![WaitRecord {
                waiting_for: "waiting for old snapshots".to_string(),
                seconds: 3.2,
            }],
            disk: Some(DiskRecord {
                before_bytes: 3 << 20,
                after_bytes: 5 << 20,
                peak_temporary_bytes: 4 << 20,
                temporary_file_bytes: Some(1 << 20),
            }),
            ..StepRecord::default()
        };
        let expected = [
            "waited for other sessions on the clone, which is left out of the estimate: 3.2s waiting for old snapshots",
            "disk of what it touched on the clone: 3.0 MB before, 5.0 MB after, and at most 4.0 MB more while it ran",
        ];
        assert_eq!(sentences(&record), expected);
    }
}
