//! All integration tests, one binary; each module says in its first line what it shows.

mod migration_steps;
mod scenarios;
mod server_throwaway;
mod support;
