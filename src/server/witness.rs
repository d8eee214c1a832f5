//! Shows that the network works while one long statement runs silently: a second session that is polled meanwhile.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::line::Line;
use super::parameters::ConnectionParameters;

/// Time between two polls.
const INTERVAL: Duration = Duration::from_secs(1);

/// While this value lives, cuts the line of a statement if the second session gets no answer for `longest_silence`.
pub(super) struct Witness {
    line: Line,
    _over: Sender<()>,
}

impl Witness {
    /// Starts polling; if no second session can be opened, the statement has no witness and no limit.
    pub(super) fn of(line: &Line, parameters: &ConnectionParameters, longest_silence: Duration) -> Witness {
        let (over, is_over) = channel::<()>();
        let opened = parameters.connect();
        let told = line.clone();
        if let Ok(mut client) = opened {
            line.is_alive_for(longest_silence);
            std::thread::spawn(move || {
                // Nothing is ever sent; when the sender is dropped, the statement has ended and the wait returns
                // another error.
                while is_over.recv_timeout(INTERVAL) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    match client.simple_query("") {
                        Ok(_) => told.is_alive_for(longest_silence),
                        Err(_) => return told.has_no_witness(),
                    }
                }
                told.has_no_witness();
            });
        }
        Witness {
            line: line.clone(),
            _over: over,
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.line.has_no_witness();
    }
}
