//! All integration tests, one binary; each module says in its first line what it shows.

mod migration_steps;
mod server_throwaway;
mod support;
