//! The network connection to a server, which another thread can cut, so that nobody waits for ever for an answer.
//!
//! The client library waits without a limit. TCP notices a dead peer, but not a machine on the way that accepts all
//! packets and forwards none. So each TCP connection can be given a deadline for its answer. A thread cuts connections
//! that miss it, and the waiting caller gets an error. A local socket involves no network and is not cut.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Time between two checks for missed deadlines.
const INTERVAL: Duration = Duration::from_millis(250);

static WATCHED: Mutex<Vec<Weak<Mutex<State>>>> = Mutex::new(Vec::new());
static WATCHER: Once = Once::new();

/// The line of one connection; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Line(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers_until: Option<Instant>,
    lives_until: Option<Instant>,
    companions: Vec<Weak<Mutex<State>>>,
    is_cut: bool,
    waker: Option<Waker>,
}

/// Removes the deadline when dropped.
pub struct AwaitedAnswer<'a>(&'a Line);

impl Line {
    /// Creates a line and watches it.
    pub(super) fn new() -> Line {
        let line = Line::default();
        let mut watched = locked(&WATCHED);
        watched.retain(|other| other.strong_count() > 0);
        watched.push(Arc::downgrade(&line.0));
        WATCHER.call_once(|| {
            std::thread::spawn(watch);
        });
        line
    }

    /// Cuts the line unless the returned value is dropped within `limit`.
    #[must_use]
    pub fn await_answer(&self, limit: Duration) -> AwaitedAnswer<'_> {
        locked(&self.0).answers_until = Instant::now().checked_add(limit);
        AwaitedAnswer(self)
    }

    /// Records that a witness saw the network alive: cuts the line unless this is called again within `limit`.
    pub fn is_alive_for(&self, limit: Duration) {
        locked(&self.0).lives_until = Instant::now().checked_add(limit);
    }

    /// Records that there is no witness any more.
    pub fn has_no_witness(&self) {
        locked(&self.0).lives_until = None;
    }

    /// Makes `other` be cut together with this line.
    pub fn take_along(&self, other: &Line) {
        let is_cut = {
            let mut state = locked(&self.0);
            state.companions.retain(|companion| companion.strong_count() > 0);
            state.companions.push(Arc::downgrade(&other.0));
            state.is_cut
        };
        if is_cut {
            other.cut();
        }
    }

    /// Cuts the line: every wait for an answer fails, now and later.
    pub fn cut(&self) {
        let companions = {
            let mut state = locked(&self.0);
            state.is_cut = true;
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
            std::mem::take(&mut state.companions)
        };
        for companion in companions.iter().filter_map(Weak::upgrade) {
            Line(companion).cut();
        }
    }

    fn is_late(&self, now: Instant) -> bool {
        let state = locked(&self.0);
        let late = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        !state.is_cut && (late(state.answers_until) || late(state.lives_until))
    }

    fn check(&self, context: &Context<'_>) -> Result<()> {
        let mut state = locked(&self.0);
        if state.is_cut {
            let message = "no answer in the time it may take; the server or the network to it stands still";
            return Err(Error::new(ErrorKind::TimedOut, message));
        }
        state.waker = Some(context.waker().clone());
        Ok(())
    }
}

impl Drop for AwaitedAnswer<'_> {
    fn drop(&mut self) {
        locked(&self.0.0).answers_until = None;
    }
}

fn watch() {
    loop {
        std::thread::sleep(INTERVAL);
        let now = Instant::now();
        let lines: Vec<Line> = locked(&WATCHED).iter().filter_map(Weak::upgrade).map(Line).collect();
        for line in lines {
            if line.is_late(now) {
                line.cut();
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream that fails once its line is cut.
#[derive(Debug)]
pub(super) struct OnLine<S> {
    pub(super) stream: S,
    pub(super) line: Line,
}

impl<S: AsyncRead + Unpin> AsyncRead for OnLine<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.line.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OnLine<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.line.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.line.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.line.check(context)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
