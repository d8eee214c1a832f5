//! What the clone had otherwise than production, and what that means for the estimate.

use crate::catalog::CloneDifference;
use crate::observation::Rehearsal;

/// Most differences that are told one by one.
const MOST_TOLD: usize = 8;

/// Returns a warning for each difference that can change the estimate: those of the server and the session, and those
/// of the relations that the migration works on.
pub fn warnings(rehearsal: &Rehearsal) -> Vec<String> {
    let matter: Vec<&CloneDifference> = rehearsal
        .clone_differences
        .iter()
        .filter(|difference| concerns(difference, rehearsal))
        .collect();
    let told = matter.iter().take(MOST_TOLD);
    let mut warnings: Vec<String> = told
        .map(|difference| format!("Unlike production: {}; {}.", difference.sentence(), effect(difference)))
        .collect();
    if matter.len() > MOST_TOLD {
        warnings.push(format!(
            "Unlike production in {} more ways, which rehearsal.json lists.",
            matter.len() - MOST_TOLD
        ));
    }
    warnings
}

/// Says which settings were taken from production; `None` if none was.
pub fn adopted(rehearsal: &Rehearsal) -> Option<String> {
    let settings = rehearsal.adopted_settings.iter();
    let settings: Vec<String> = settings.map(|(name, value)| format!("{name} = {value}")).collect();
    (!settings.is_empty()).then(|| {
        format!(
            "The session had production's settings where the clone's are others: {}.",
            settings.join(", ")
        )
    })
}

fn concerns(difference: &CloneDifference, rehearsal: &Rehearsal) -> bool {
    let Some(relation) = &difference.relation else {
        return true;
    };
    let worked_on = rehearsal
        .relations
        .iter()
        .any(|size| size.name == *relation || size.root.as_ref() == Some(relation));
    worked_on || rehearsal.tables.iter().any(|table| table.name == *relation)
}

/// Says what a difference means.
fn effect(difference: &CloneDifference) -> &'static str {
    let what = difference.what.as_str();
    let is = |class: &str| what.starts_with(class);
    if is("index ") {
        "how many indexes are written is counted in, which of them are used for reading is not"
    } else if is("constraint ") || is("trigger ") {
        "what it costs or refuses was not seen"
    } else if is("column ") {
        "whether it is rewritten, and how wide its rows are, may be otherwise"
    } else if is("number of partitions ") {
        "the rows are counted in, the partitions are not"
    } else if is("setting data_checksums") || is("setting wal_log_hints") || is("setting full_page_writes") {
        "that changes how much WAL is written"
    } else if is("collation ") {
        "indexes of text may be ordered otherwise"
    } else if is("server version ") || is("extension ") {
        "it may lock, rewrite or refuse otherwise"
    } else {
        "that changes how long it takes"
    }
}
