//! Looks up the windows of a walk's next batches in a separate session, while earlier batches run.
//!
//! A keyset loop finds each window right before its batch, and has to wait for the look-up. A rehearsal does not have
//! to wait: it asks for keys after those it already has, which no batch has touched yet. One look-up for two hundred
//! batches takes some tens of milliseconds on another processor. Its time is measured separately and is part of the
//! estimate.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postgres::{CancelToken, Client};

use crate::error::Result;
use crate::rehearsal::session_queries::text_rows;
use crate::server::{ConnectionParameters, Line, Staging};

/// How often a caller that waits for an answer checks whether the person has interrupted.
const INTERRUPT_POLL: Duration = Duration::from_millis(100);

/// The rows of a look-up and how long it took.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// The rows, all columns as text.
    pub rows: Vec<Vec<String>>,
    /// Seconds from asking the server to its answer.
    pub seconds: f64,
}

/// A session that answers look-ups while other sessions work; dropping it cancels the look-up that is running.
pub(super) struct LookAhead {
    parameters: ConnectionParameters,
    token: Arc<OnceLock<CancelToken>>,
    questions: Option<Sender<String>>,
    /// `None` where the session could not answer. The caller then looks in its own session, whose error says what is
    /// wrong.
    answers: Receiver<Option<Found>>,
    asked: bool,
    thread: Option<JoinHandle<()>>,
}

impl LookAhead {
    /// Opens a second session to the database of `clone`; it waits for a lock for at most `lock_timeout` seconds.
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
                    // Only this thread sets the token.
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

    /// Returns whether a look-up is pending.
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    /// Starts a look-up; only one may be pending at a time.
    pub fn ask(&mut self, sql: String) {
        self.asked = self
            .questions
            .as_ref()
            .is_some_and(|questions| questions.send(sql).is_ok());
    }

    /// Waits for the answer; `None` where this session cannot answer.
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
            // If the cancel request fails too, the look-up simply runs to its end. A look-up that had not begun is
            // asked again.
            let _ = self.token.get().map(|token| self.parameters.cancel(token));
            self.asked = self.answers.recv_timeout(INTERRUPT_POLL) == Err(RecvTimeoutError::Timeout);
        }
        if let Some(thread) = self.thread.take() {
            // A panic in that thread leaves nothing to clean up.
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
