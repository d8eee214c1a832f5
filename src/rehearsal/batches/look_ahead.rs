//! Looks up the windows of a walk's next batches in a session of its own, while the batches before them run.
//!
//! A keyset loop finds each window right before its batch, and the loop waits for it. A rehearsal need not wait: what it
//! asks for are keys behind those it has, which no batch has touched yet. One look-up in two hundred batches takes some
//! tens of milliseconds of another processor; its time is measured apart and is part of the estimate.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres::{CancelToken, Client};

use crate::error::Result;
use crate::rehearsal::session_queries::text_rows;
use crate::server::{ConnectionParameters, Line, Staging};

/// How soon whoever waits for an answer notices that the person wants an end.
const INTERRUPT_POLL: Duration = Duration::from_millis(100);

/// The rows of a look-up and how long it took.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// The rows, all columns as text.
    pub rows: Vec<Vec<String>>,
    /// Seconds from asking the server to its answer.
    pub seconds: f64,
}

/// A session that looks up what is asked for while others work; dropping it cancels what it still looks for.
pub(super) struct LookAhead {
    parameters: ConnectionParameters,
    token: Arc<OnceLock<CancelToken>>,
    questions: Option<Sender<String>>,
    /// `None` where the session could not answer: its asker then looks in its own session, which says what is wrong.
    answers: Receiver<Option<Found>>,
    asked: bool,
    thread: Option<JoinHandle<()>>,
}

impl LookAhead {
    /// Opens a session beside `clone`'s; it waits for a lock no longer than `lock_timeout` seconds.
    pub fn start(clone: &Staging, lock_timeout: f64) -> LookAhead {
        let (questions, to_answer) = channel::<String>();
        let (reply, answers) = channel();
        let token = Arc::new(OnceLock::new());
        let (parameters, line) = (clone.parameters().clone(), clone.line().clone());
        let thread = {
            let (token, parameters) = (Arc::clone(&token), parameters.clone());
            std::thread::spawn(move || {
                let mut client = open(&parameters, &line, lock_timeout);
                if let Some(client) = &client {
                    // Nobody else sets it.
                    let _ = token.set(client.cancel_token());
                }
                for sql in to_answer {
                    let found = client.as_mut().and_then(|client| look(client, &sql));
                    if reply.send(found).is_err() {
                        return;
                    }
                }
            })
        };
        LookAhead {
            parameters,
            token,
            questions: Some(questions),
            answers,
            asked: false,
            thread: Some(thread),
        }
    }

    /// Tells whether a question is open.
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    /// Asks the one question that may be open at a time.
    pub fn ask(&mut self, sql: String) {
        self.asked = self
            .questions
            .as_ref()
            .is_some_and(|questions| questions.send(sql).is_ok());
    }

    /// Waits for the answer; `None` where this session has none.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn answer(&mut self) -> Result<Option<Found>> {
        loop {
            let found = match self.answers.recv_timeout(INTERRUPT_POLL) {
                Ok(found) => found,
                Err(RecvTimeoutError::Disconnected) => None,
                Err(RecvTimeoutError::Timeout) => {
                    self.parameters.interruption().refuse()?;
                    continue;
                }
            };
            self.asked = false;
            return Ok(found);
        }
    }
}

impl Drop for LookAhead {
    fn drop(&mut self) {
        self.questions = None;
        while self.asked {
            // When even the request to cancel fails, the look-up comes to its own end; one that had not begun is asked again.
            let _ = self.token.get().map(|token| self.parameters.cancel(token));
            self.asked = self.answers.recv_timeout(INTERRUPT_POLL) == Err(RecvTimeoutError::Timeout);
        }
        if let Some(thread) = self.thread.take() {
            // A panic there leaves nothing to clean up.
            let _ = thread.join();
        }
    }
}

fn open(parameters: &ConnectionParameters, beside: &Line, lock_timeout: f64) -> Option<Client> {
    let (mut client, line) = parameters.connect_on_line().ok()?;
    beside.take_along(&line);
    let milliseconds = (lock_timeout * 1000.0).round().clamp(1.0, f64::from(i32::MAX));
    let sql =
        format!("SET lock_timeout = {milliseconds}; SET statement_timeout = 0; SET default_transaction_read_only = on");
    client.batch_execute(&sql).ok()?;
    Some(client)
}

fn look(client: &mut Client, sql: &str) -> Option<Found> {
    let begin = Instant::now();
    let rows = text_rows(client, sql).ok()?;
    Some(Found {
        rows,
        seconds: begin.elapsed().as_secs_f64(),
    })
}
