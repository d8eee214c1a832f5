//! `migtime history`: the recorded outcomes, and how right the predictions were.

use super::place::Place;
use crate::cli::arguments::{HistoryArguments, HistoryFormat};
use crate::cli::output;
use crate::error::Result;
use crate::model::history::summarise;
use crate::report;

/// Runs the command.
pub fn run(arguments: &HistoryArguments) -> Result<()> {
    let place = Place::named_or_usual(arguments.place.as_deref());
    let outcomes = place.read(arguments.no_password)?;
    let summary = summarise(&outcomes);
    let content = match arguments.format {
        HistoryFormat::Json => report::history_json(&outcomes, &summary).into_bytes(),
        HistoryFormat::Csv => report::history_csv(&outcomes),
        HistoryFormat::Markdown => report::history_markdown(&outcomes, &summary).into_bytes(),
        HistoryFormat::Terminal => {
            let (width, colour) = output::terminal();
            report::history_terminal(&outcomes, &summary, width, colour && arguments.out.is_none()).into_bytes()
        }
    };
    output::deliver(&content, arguments.out.as_deref())
}
