//! Standard error, for which no thread of a server waits.
//!
//! A file takes a line at once. A pipe, a socket or a terminal may be full, and then a write waits
//! for whoever reads it. So while a server runs, a thread of its own writes to them, and the lines
//! wait in a queue. Lines that find it full are lost, and counted.
//!
//! Before a server runs and after it has stopped, lines are written where they are logged: nobody
//! else waits then, and the process may end right after.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering};

use super::sink::{Sink, number_of_lines};
use super::{LogFormat, count_lost_lines};

/// Maximum size of the lines that wait, in bytes: several thousand lines, for a reader that pauses
/// for a moment.
const MAX_QUEUED: usize = 1 << 20;

/// Maximum time for which a server that stops waits until its lines are written.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Time between two writes, in which lines gather: so that many lines cost few writes, and whoever
/// logs them need not wake the thread that writes them.
const PAUSE: Duration = Duration::from_millis(1);

/// Number of servers that run.
static SERVING: AtomicUsize = AtomicUsize::new(0);

/// The queue, if there is one: no line has needed it, or standard error takes lines at once.
static QUEUE: OnceLock<Option<LineQueue>> = OnceLock::new();

/// Lines that wait for the thread that writes them.
#[derive(Default)]
struct LineQueue {
    queued: Mutex<QueuedLines>,
    /// Notified of lines when the thread waits for some.
    filled: Condvar,
    /// Notified when all lines are written.
    emptied: Condvar,
}

#[derive(Default)]
struct QueuedLines {
    lines: Vec<u8>,
    /// Whether the thread is writing lines that it has taken.
    is_writing: bool,
}

/// Writes whole lines, and neither fails nor waits while a server runs.
pub(crate) fn write_stderr(lines: &[u8], format: LogFormat) {
    let queue = if SERVING.load(Ordering::Relaxed) > 0 { queue(format) } else { existing_queue() };
    match queue {
        Some(queue) => queue.push(lines),
        None => Sink::new(io::stderr(), format).write_lines(lines),
    }
}

/// Whether a write to standard error may wait for whoever reads it.
pub(super) fn is_queued() -> bool {
    SERVING.load(Ordering::Relaxed) > 0 && may_block()
}

/// Waits a moment for the lines that are still queued, as the process may end soon.
pub(crate) fn flush_stderr() {
    if let Some(Some(queue)) = QUEUE.get() {
        queue.flush(Instant::now() + FLUSH_LIMIT);
    }
}

/// Keeps lines of the log from waiting, as long as a server runs.
#[derive(Debug)]
pub(crate) struct NeverWaits(());

impl NeverWaits {
    pub(crate) fn begin() -> Self {
        SERVING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for NeverWaits {
    fn drop(&mut self) {
        flush_stderr();
        SERVING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the queue, and starts its thread for the first line. `None` if there is no need of it,
/// or no thread.
fn queue(format: LogFormat) -> Option<&'static LineQueue> {
    let queue = QUEUE.get_or_init(|| {
        let start = || std::thread::Builder::new().name("callbox-log".to_owned()).spawn(move || write_queued(format));
        (may_block() && start().is_ok()).then(LineQueue::default)
    });
    queue.as_ref()
}

/// Returns the queue if lines of a server that has stopped are still in it: then others queue
/// behind them.
fn existing_queue() -> Option<&'static LineQueue> {
    QUEUE.get()?.as_ref().filter(|queue| !queue.is_idle())
}

/// Writes what is queued, for ever.
fn write_queued(format: LogFormat) {
    // The thread may be quicker than the one that has started it.
    let Some(queue) = QUEUE.wait() else { return };
    let mut lines = Vec::new();
    loop {
        queue.take(&mut lines);
        Sink::new(io::stderr(), format).write_lines(&lines);
        std::thread::sleep(PAUSE);
    }
}

fn may_block() -> bool {
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else { return false };
    let kind = File::from(stderr).metadata().map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket() || io::stderr().is_terminal())
}

impl LineQueue {
    fn push(&self, lines: &[u8]) {
        let mut queued = self.queued.lock();
        if queued.lines.len() + lines.len() > MAX_QUEUED {
            drop(queued);
            return count_lost_lines(number_of_lines(lines));
        }
        queued.lines.extend_from_slice(lines);
        if !queued.is_writing {
            self.filled.notify_one();
        }
    }

    /// Replaces `written`, which was taken before, by all lines in the queue, once there are some.
    fn take(&self, written: &mut Vec<u8>) {
        written.clear();
        let mut queued = self.queued.lock();
        while queued.lines.is_empty() {
            queued.is_writing = false;
            self.emptied.notify_all();
            self.filled.wait(&mut queued);
        }
        std::mem::swap(&mut queued.lines, written);
        queued.is_writing = true;
    }

    fn is_idle(&self) -> bool {
        let queued = self.queued.lock();
        queued.lines.is_empty() && !queued.is_writing
    }

    /// Waits until all lines are written, at most until then.
    fn flush(&self, until: Instant) {
        let mut queued = self.queued.lock();
        while !queued.lines.is_empty() || queued.is_writing {
            if self.emptied.wait_until(&mut queued, until).timed_out() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::lost_lines;
    use super::*;

    #[test]
    fn lines_leave_in_their_order_and_in_as_few_writes_as_possible() {
        let queue = LineQueue::default();
        for line in ["one\n", "two\n"] {
            queue.push(line.as_bytes());
        }
        assert!(!queue.is_idle());
        let mut taken = b"before\n".to_vec();
        queue.take(&mut taken);
        assert_eq!(taken, b"one\ntwo\n");
        queue.push(b"three\n");
        queue.take(&mut taken);
        assert_eq!(taken, b"three\n");
    }

    #[test]
    fn a_full_queue_loses_lines_and_counts_them() {
        let (queue, line) = (LineQueue::default(), [&[b'x'; 1023][..], b"\n"].concat());
        let before = lost_lines();
        (0..MAX_QUEUED / 1024 + 5).for_each(|_| queue.push(&line));
        assert!(lost_lines() >= before + 5);
        let mut taken = Vec::new();
        queue.take(&mut taken);
        assert_eq!(taken.len(), MAX_QUEUED);
    }

    #[test]
    fn a_flush_waits_for_the_last_line_and_no_longer_than_its_limit() {
        let queue = LineQueue::default();
        queue.push(b"one\n");
        let began = Instant::now();
        queue.flush(began + Duration::from_millis(20));
        assert!(began.elapsed() >= Duration::from_millis(20) && !queue.is_idle(), "nobody writes it");
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut lines = Vec::new();
                queue.take(&mut lines);
                thread::sleep(Duration::from_millis(20));
                // It comes back for more once the first is written.
                queue.take(&mut lines);
                assert_eq!(lines, b"two\n");
            });
            queue.flush(Instant::now() + Duration::from_secs(20));
            assert!(queue.is_idle());
            queue.push(b"two\n");
        });
    }
}
