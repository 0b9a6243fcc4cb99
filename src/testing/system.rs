//! An actix system on a thread of its own.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// Runs an actix system until it is dropped.
pub(super) struct SystemThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SystemThread {
    /// Starts a system and runs `start` on it. What that tells comes back at once; the future that it gives is run to its
    /// end, and should end soon after `stopped` does.
    ///
    /// # Panics
    /// As `start` does.
    pub(super) fn start<T, F>(start: impl AsyncFnOnce(oneshot::Receiver<()>) -> (T, F) + Send + 'static) -> (Self, T)
    where
        T: Send + 'static,
        F: Future<Output = ()>,
    {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let (first, ends) = start(stopped).await;
                // If nobody listens, the test is gone, and `stopped` says so.
                let _ = tell.send(first);
                ends.await;
            });
        });
        match told.recv() {
            Ok(first) => (Self { stop: Some(stop), thread: Some(thread) }, first),
            Err(_) => match thread.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => unreachable!("the thread tells before it ends"),
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

/// Runs a future on this thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap_or_else(|error| panic!("no runtime for the test: {error}")).block_on(future)
}
