//! The program: arguments in, one command, exit code out.

use std::process::ExitCode;

use super::arguments::{Arguments, Command};
use super::{
    backtest, bench, ci, compare, completions, demo, estimate, exec, history, output, plan, preflight, probe, record,
    rehearse, report, typed_passwords,
};
use crate::error::Result;
use crate::server::signals;

/// Runs the program and returns its exit code; see the table in `migtime --help`.
pub fn main() -> ExitCode {
    let arguments = Arguments::typed();
    let outcome = run(&arguments.command);
    signals::give_way_to_forced_exit();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run(command: &Command) -> Result<()> {
    if has_nothing_to_wind_up(command) {
        signals::end_at_once_when_terminated();
    }
    signals::catch_signals()?;
    typed_passwords::warn();
    match command {
        Command::Estimate(arguments) => estimate::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Rehearse(arguments) => match &arguments.exec {
            Some(command) => exec::run(arguments, command),
            None => rehearse::run(arguments),
        },
        Command::Report(arguments) => report::run(arguments),
        Command::Record(arguments) => record::run(arguments),
        Command::History(arguments) => history::run(arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Probe(arguments) => probe::run(arguments),
        Command::Backtest(arguments) => backtest::run(arguments),
        Command::Preflight(arguments) => preflight::run(arguments),
        Command::Ci(arguments) => ci::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Completions(arguments) => completions::completions(arguments),
        Command::Man(arguments) => completions::man(arguments),
    }
}

/// Returns whether a command only reads and prints, so that it may end suddenly without losing or leaving anything.
fn has_nothing_to_wind_up(command: &Command) -> bool {
    matches!(
        command,
        Command::Estimate(_)
            | Command::Plan(_)
            | Command::Preflight(_)
            | Command::Probe(_)
            | Command::Report(_)
            | Command::History(_)
            | Command::Compare(_)
    )
}
