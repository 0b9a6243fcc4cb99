//! An actix system on its own thread.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// The thread of an actix system. Dropping it stops the system and waits for its end.
pub(super) struct SystemThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SystemThread {
    /// Starts a system and runs `start` on it. `start` returns a value, which this function
    /// returns, and a future, which the system runs to its end. The future should end soon after
    /// `stopped` does.
    ///
    /// # Panics
    /// Panics if `start` panics, with the same payload.
    pub(super) fn start<T, F>(start: impl AsyncFnOnce(oneshot::Receiver<()>) -> (T, F) + Send + 'static) -> (Self, T)
    where
        T: Send + 'static,
        F: Future<Output = ()>,
    {
        let (stop, stopped) = oneshot::channel();
        let (send, received) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let (value, until_stopped) = start(stopped).await;
                // An error means that the test has ended, and then `stopped` ends as well.
                let _ = send.send(value);
                until_stopped.await;
            });
        });
        match received.recv() {
            Ok(value) => (Self { stop: Some(stop), thread: Some(thread) }, value),
            Err(_) => match thread.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => unreachable!("the thread sends the value before it ends"),
            },
        }
    }
}

impl Drop for SystemThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl fmt::Debug for SystemThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemThread")
    }
}

/// Runs a future on this thread and returns its output.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap_or_else(|error| panic!("no runtime for the test: {error}")).block_on(future)
}
