//! `migtime completions` and `migtime man`: shell completions and manual pages, generated from the command line's
//! definition.

use std::path::Path;

use clap::CommandFactory;

use super::arguments::{Arguments, CompletionsArguments, ManArguments};
use super::output;
use crate::error::{Error, ErrorKind, Result, reason};

/// Prints the completions for a shell.
pub fn completions(arguments: &CompletionsArguments) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "migtime", &mut script);
    output::deliver(&script, None)
}

/// Prints the manual page, or writes one page per command into a directory.
pub fn man(arguments: &ManArguments) -> Result<()> {
    match &arguments.directory {
        Some(directory) => write_pages(directory),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command())
                .render(&mut page)
                .map_err(|error| failed("render the manual page", &error))?;
            output::deliver(&page, None)
        }
    }
}

fn write_pages(directory: &Path) -> Result<()> {
    let what = || format!("write manual pages into {}", directory.display());
    std::fs::create_dir_all(directory).map_err(|error| failed(&what(), &error))?;
    let command = Arguments::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, directory).map_err(|error| failed(&what(), &error))
}

fn failed(what: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Usage, format!("cannot {what}: {}", reason(error)))
}
