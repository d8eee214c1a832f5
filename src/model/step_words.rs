//! What is said of the prediction for a statement that runs whole.

use super::forecast::SAME_SIZE;
use super::ladder::Climbed;
use super::scale::Scale;
use crate::catalog::MissingIndex;
use crate::migration::StepKind;
use crate::observation::Rehearsal;
use crate::units::{Count, counted};

/// Says what the prediction of a statement assumes.
pub fn assumptions(kind: StepKind, ratio: f64, scale: Option<&Scale>, climbed: Option<&Climbed>) -> Vec<String> {
    let of = match scale.map_or(&[][..], |scale| &scale.growing) {
        [] => String::new(),
        growing => {
            let names: Vec<&str> = growing.iter().map(|(name, _)| name.as_str()).collect();
            format!(" of {}", names.join(", "))
        }
    };
    let Some(climbed) = climbed else {
        return if (ratio - 1.0).abs() < 1e-9 {
            Vec::new()
        } else {
            vec![format!(
                "The duration grows with the rows{of}, {ratio:.2} times those of the clone."
            )]
        };
    };
    let mut sentences = vec![format!(
        "The duration grows with the rows{of}, {ratio:.2} times those of the clone{}; with a probability of {:.0} % \
         something that fits memory there does not where it is planned for, and costs 10 to 60 % more.",
        match (kind, scale) {
            (StepKind::Unclassified, None) => ", which is not known of this kind",
            _ => "",
        },
        100.0 * climbed.cliff_probability
    )];
    if climbed.top_fraction * ratio < 0.99 {
        sentences.push(format!(
            "It rests on runs on {:.0} % of the clone's table: what ran on more of it was too short to tell.",
            100.0 * climbed.top_fraction * ratio
        ));
    }
    if climbed.lower_runs > 0 {
        sentences.push(format!(
            "How much runs scatter is also told by {} on smaller parts of the clone's table.",
            counted(climbed.lower_runs, "run", "runs")
        ));
    }
    sentences
}

/// Warns of relations that it scans again and again, and names the index that would spare that.
pub fn repeats(scale: &Scale, rehearsal: &Rehearsal) -> Option<String> {
    let (relation, scans) = scale.repeated.iter().max_by_key(|(_, scans)| *scans)?;
    if scale.beyond <= SAME_SIZE {
        return None;
    }
    let is_of_it = |missing: &&MissingIndex| scale.repeated.iter().any(|(name, _)| *name == missing.relation);
    let missing = rehearsal.missing_indexes.iter().filter(is_of_it);
    let indexes: Vec<String> = missing
        .map(|missing| {
            let (key, create) = (&missing.foreign_key, &missing.create);
            format!(" The foreign key {key} has no index that would spare that: {create}.")
        })
        .collect();
    Some(format!(
        "It scans {relation} {} times on the clone, and more often in production: that part of its time grows with the \
         square of the rows, and makes it {:.1} times as long as it would be otherwise.{}",
        Count(*scans as f64),
        scale.beyond,
        indexes.concat()
    ))
}
