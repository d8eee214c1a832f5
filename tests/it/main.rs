//! All integration tests, one binary; each module says in its first line what it shows.

mod catalog_counting;
mod catalog_names;
mod catalog_reader;
mod catalog_round_trips;
mod catalog_tables;
mod coverage;
mod house;
mod measured;
mod migration_steps;
mod plan_cases;
mod plan_command;
mod report;
mod report_fixture;
mod scenarios;
mod server_connect;
mod server_guards;
mod server_sandbox;
mod server_signals;
mod server_throwaway;
mod support;
