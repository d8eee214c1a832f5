//! Makes text from outside safe to show: without secrets, and without anything that could control a terminal or a CI
//! service.
//!
//! Knows no other room, so that every room can use it. SQL is only scanned for words here, not parsed, since it also
//! comes in pieces: a line of an excerpt, a server's message, the output of another program.

mod printable;
mod secrets;

pub use printable::{disarmed, is_steering, printable_line};
pub use secrets::{HIDDEN, without_secrets};
