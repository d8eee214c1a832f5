//! A witness that the network lives while one long statement runs without a word: a second session that is asked for one.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::line::Line;
use super::parameters::ConnectionParameters;

/// Time between two questions.
const INTERVAL: Duration = Duration::from_secs(1);

/// Cuts the line of a statement once the second session has not been answered for `longest_silence`, while this value lives.
pub(super) struct Witness {
    line: Line,
    _over: Sender<()>,
}

impl Witness {
    /// Begins to ask; where no second session can be had, the statement has no witness and no limit.
    pub(super) fn of(line: &Line, parameters: &ConnectionParameters, longest_silence: Duration) -> Witness {
        let (over, is_over) = channel::<()>();
        let opened = parameters.connect();
        let told = line.clone();
        if let Ok(mut client) = opened {
            line.is_alive_for(longest_silence);
            std::thread::spawn(move || {
                // The sender says nothing; when it is gone the statement is over, and the wait ends with another error.
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
