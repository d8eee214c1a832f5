//! Text from outside made fit to be shown: without secrets, and without what could steer a terminal or a CI service.
//!
//! Knows no other room, so that every room can use it; SQL is only skimmed here, since it also comes in pieces: one line of an
//! excerpt, a server's message, what another program says.

mod printable;
mod secrets;

pub use printable::{disarmed, is_steering, printable_line};
pub use secrets::{HIDDEN, without_secrets};
