//! `migtime backtest`: real pairs of prediction and independent outcome, and their judgement.

mod command;
mod ledger;
mod pair_run;
mod place;
mod plain_loop;

pub use command::run;
