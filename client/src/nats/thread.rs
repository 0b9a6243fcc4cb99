//! The thread of a connection.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

type Task = Pin<Box<dyn Future<Output = ()>>>;
type MakeTask = Box<dyn FnOnce() -> Task + Send>;

enum NewTask {
    Common(MakeTask),
    LastWords(MakeTask),
}

/// Maximum time that the thread waits for what is still to be sent, before it ends.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// A thread that serves one connection, with a runtime of its own: the task of the connection ends
/// with the runtime on which it was made. Cheap to clone; the thread ends with the last clone.
#[derive(Clone)]
pub struct NatsThread {
    tasks: mpsc::UnboundedSender<NewTask>,
}

impl NatsThread {
    /// Starts the thread, on which `begin` runs first.
    ///
    /// # Errors
    /// If the system has no thread, or no descriptors for a runtime.
    pub fn start(begin: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (tasks, mut new_tasks) = mpsc::unbounded_channel::<NewTask>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("callbox-nats".to_owned()).spawn(move || {
            begin();
            LocalSet::new().block_on(&runtime, async move {
                let mut last_words = JoinSet::new();
                while let Some(task) = new_tasks.recv().await {
                    match task {
                        NewTask::Common(task) => _ = tokio::task::spawn_local(task()),
                        NewTask::LastWords(task) => _ = last_words.spawn_local(task()),
                    }
                    while last_words.try_join_next().is_some() {}
                }
                // If they take longer, the server is not there.
                let _ = timeout(LAST_WORDS_TIMEOUT, last_words.join_all()).await;
            });
        })?;
        Ok(Self { tasks })
    }

    /// Runs a task on the thread. It ends with the thread at the latest.
    pub fn spawn<F: Future<Output = ()> + 'static>(&self, task: impl FnOnce() -> F + Send + 'static) {
        // An error means that the thread has ended, and with it the connection.
        let _ = self.tasks.send(NewTask::Common(Box::new(|| Box::pin(task()))));
    }

    /// Runs a short task on the thread, which does not end before it.
    pub fn spawn_last_words<F: Future<Output = ()> + 'static>(&self, task: impl FnOnce() -> F + Send + 'static) {
        let _ = self.tasks.send(NewTask::LastWords(Box::new(|| Box::pin(task()))));
    }

    /// Runs a task on the thread and returns its output; `None` if the thread has ended.
    pub async fn run<T, F>(&self, task: impl FnOnce() -> F + Send + 'static) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let (output, received) = oneshot::channel();
        self.spawn(|| async {
            // An error means that nobody waits any more.
            let _ = output.send(task().await);
        });
        received.await.ok()
    }
}

impl std::fmt::Debug for NatsThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NatsThread")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn tasks_run_on_the_thread_and_end_with_it() {
        let began = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&began);
        let thread = NatsThread::start(move || begins.store(true, Ordering::Release)).unwrap();
        let name = thread.run(|| async { std::thread::current().name().map(str::to_owned) }).await;
        assert_eq!(name.flatten().as_deref(), Some("callbox-nats"));
        assert!(began.load(Ordering::Acquire));
        let (held, dropped) = oneshot::channel::<()>();
        thread.spawn(|| async {
            let _held = held;
            std::future::pending::<()>().await;
        });
        let (said, heard) = oneshot::channel();
        thread.spawn_last_words(|| async {
            sleep(Duration::from_millis(10)).await;
            said.send(()).unwrap();
        });
        drop(thread);
        assert!(dropped.await.is_err(), "the task was dropped");
        assert!(heard.await.is_ok(), "last words are said");
    }
}
