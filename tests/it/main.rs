//! All integration tests, one binary; each module says in its first line what it shows.

mod server_connect;
mod server_guards;
mod server_sandbox;
mod server_signals;
mod server_throwaway;
mod support;
