//! The threads that serve connections, and the choice of the thread for the next connection.
//!
//! Threads get connections in turn. A thread that is blocked, by a method or a handler that does
//! not return, takes none from its queue: after [`OFFER_TIMEOUT`] they move to another thread, and
//! the blocked one is skipped until it takes connections again. `actix_web::HttpServer` would give
//! connections to such a thread all the same, and they would hang there.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::TcpListener as StdTcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use actix::Arbiter;
use actix_service::{Service, ServiceFactory};
use actix_web::rt::net::{TcpListener, TcpStream};
use actix_web::rt::spawn;
use actix_web::rt::time::{Instant, sleep_until, timeout};
use futures::FutureExt;
use futures::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

/// Maximum time for which a connection waits in the queue of one thread.
const OFFER_TIMEOUT: Duration = Duration::from_millis(10);

/// Pause after a failed attempt to accept a connection, which mostly means that no file descriptor
/// is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// Maximum time to wait for the end of threads that have nothing more to do.
const THREAD_END_TIMEOUT: Duration = Duration::from_secs(1);

/// A flag that becomes true when the server stops accepting connections and closes those that are
/// between requests.
pub(crate) type StopReceiver = watch::Receiver<bool>;

/// The threads of a server: one that accepts connections, and the workers that serve them.
pub(crate) struct HttpWorkers {
    stopping: watch::Sender<bool>,
    /// One permit for each connection that may be open.
    permits: Arc<Semaphore>,
    connections: u32,
    workers: Arc<Mutex<Vec<Worker>>>,
    accepting: Arbiter,
    /// Its sender is dropped when the listening socket is closed.
    closed: oneshot::Receiver<()>,
}

impl HttpWorkers {
    /// Starts the threads. Each creates its own service with `make`. At most `connections` are open
    /// on all threads together; further ones wait in the operating system's backlog.
    ///
    /// # Errors
    /// If the socket cannot be used, or a service cannot be created.
    pub(crate) async fn start<F, S>(
        socket: StdTcpListener,
        threads: usize,
        connections: usize,
        make: F,
    ) -> io::Result<Self>
    where
        F: Fn(StopReceiver) -> S + Clone + Send + 'static,
        S: ServiceFactory<TcpStream, Config = (), Response = ()> + 'static,
    {
        socket.set_nonblocking(true)?;
        let (stopping, stops) = watch::channel(false);
        let make = move || make(stops.clone());
        let mut workers = Vec::new();
        for _ in 0..threads {
            let (worker, started) = Worker::start(make.clone(), VecDeque::new());
            workers.push(worker);
            started.await.map_err(|_| io::Error::other("a thread that serves HTTP ended while it started"))?;
        }
        let workers = Arc::new(Mutex::new(workers));
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        let permits = Arc::new(Semaphore::new(connections as usize));
        let accepting = Arbiter::new();
        let acceptor = Acceptor { permits: Arc::clone(&permits), workers: Arc::clone(&workers), next: 0, make };
        // The listener must be created on the thread that polls it; `rx` gets the result of that.
        let (mut stops, (tx, rx)) = (stopping.subscribe(), oneshot::channel());
        let (closing, closed) = oneshot::channel();
        accepting.spawn(async move {
            // Dropped after the listener.
            let _closing = closing;
            let listener = match TcpListener::from_std(socket) {
                Ok(listener) => listener,
                Err(error) => return drop(tx.send(Err(error))),
            };
            // An error means that the caller of `start` has given up.
            let _ = tx.send(Ok(()));
            tokio::select! {
                _ = stops.wait_for(|stops| *stops) => {}
                () = acceptor.accept_all(&listener) => {}
            }
        });
        rx.await.map_err(io::Error::other)??;
        Ok(Self { stopping, permits, connections, workers, accepting, closed })
    }

    /// Stops accepting connections, and closes those that are between requests.
    pub(crate) fn close(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until all connections have ended, at most for `limit`, and ends the threads. The
    /// address is free then. Returns whether all threads have ended, which a blocked one does not.
    pub(crate) async fn end(self, limit: Duration) -> bool {
        self.close();
        // Connections that are still open after the limit end with their threads.
        let _ = timeout(limit, self.permits.acquire_many(self.connections)).await;
        self.accepting.stop();
        let workers = std::mem::take(&mut *self.workers.lock());
        for worker in &workers {
            worker.arbiter.stop();
        }
        let all = async {
            // In both cases the sender is dropped, so an error is the expected result.
            let _ = self.closed.await;
            for worker in workers {
                let _ = worker.ended.await;
            }
        };
        timeout(THREAD_END_TIMEOUT, all).await.is_ok()
    }
}

impl fmt::Debug for HttpWorkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpWorkers").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// A connection that waits in the queue of a thread.
struct PendingConnection {
    stream: std::net::TcpStream,
    since: Instant,
    permit: OwnedSemaphorePermit,
}

/// The queue of connections for one thread.
#[derive(Default)]
struct ConnectionQueue {
    pending: Mutex<VecDeque<PendingConnection>>,
    waker: AtomicWaker,
    /// Whether the thread has ended.
    has_ended: AtomicBool,
}

impl ConnectionQueue {
    fn offer(&self, connection: PendingConnection) {
        self.pending.lock().push_back(connection);
        self.waker.wake();
    }

    /// Waits for the next connection and removes it. Called by the thread of this queue.
    async fn take(&self) -> PendingConnection {
        poll_fn(|cx| {
            // Registered before the check, so that an offer between the two is not missed.
            self.waker.register(cx.waker());
            self.pending.lock().pop_front().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn is_empty(&self) -> bool {
        self.pending.lock().is_empty()
    }

    /// Whether the thread is blocked: its oldest connection waits for longer than
    /// [`OFFER_TIMEOUT`].
    fn is_blocked(&self, now: Instant) -> bool {
        self.pending.lock().front().is_some_and(|first| now.duration_since(first.since) >= OFFER_TIMEOUT)
    }
}

/// A thread that serves connections.
struct Worker {
    queue: Arc<ConnectionQueue>,
    arbiter: Arbiter,
    ended: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts a thread whose queue already has these connections. The returned receiver completes
    /// when the thread's service has been created, and fails if it cannot be created.
    fn start<F, S>(make: F, pending: VecDeque<PendingConnection>) -> (Self, oneshot::Receiver<()>)
    where
        F: Fn() -> S + Send + 'static,
        S: ServiceFactory<TcpStream, Config = (), Response = ()> + 'static,
    {
        let queue = Arc::new(ConnectionQueue { pending: Mutex::new(pending), ..ConnectionQueue::default() });
        let (tx, ended) = oneshot::channel();
        let (started, starts) = oneshot::channel();
        let arbiter = Arbiter::new();
        let guard = ThreadEndGuard { queue: Arc::clone(&queue), _ended: tx };
        arbiter.spawn_fn(move || {
            spawn(async move {
                // The service factory logs its own errors. Dropping `started` reports the failure.
                let Ok(service) = make().new_service(()).await else { return };
                let _ = started.send(());
                serve(service, &guard.queue).await;
            });
        });
        (Self { queue, arbiter, ended }, starts)
    }
}

async fn serve<S: Service<TcpStream, Response = ()> + 'static>(service: S, queue: &ConnectionQueue) {
    loop {
        let PendingConnection { stream, permit, .. } = queue.take().await;
        // This fails only if the client has already disconnected.
        let Ok(stream) = TcpStream::from_std(stream) else { continue };
        if poll_fn(|cx| service.poll_ready(cx)).await.is_ok() {
            // The service logs the errors of a connection. `map` instead of an async block, which
            // would hold the future twice: once captured, and once awaited.
            spawn(service.call(stream).map(move |_| drop(permit)));
        }
    }
}

/// Reports the end of a thread when it is dropped, which covers a panic too.
struct ThreadEndGuard {
    queue: Arc<ConnectionQueue>,
    _ended: oneshot::Sender<()>,
}

impl Drop for ThreadEndGuard {
    fn drop(&mut self) {
        self.queue.has_ended.store(true, Ordering::Release);
    }
}

/// Accepts connections and distributes them to the workers.
struct Acceptor<F> {
    permits: Arc<Semaphore>,
    workers: Arc<Mutex<Vec<Worker>>>,
    /// Index of the thread that gets the next connection.
    next: usize,
    make: F,
}

impl<F, S> Acceptor<F>
where
    F: Fn() -> S + Clone + Send + 'static,
    S: ServiceFactory<TcpStream, Config = (), Response = ()> + 'static,
{
    /// Runs until it is dropped. While any connection waits in a queue, the queues are checked
    /// every [`OFFER_TIMEOUT`]. While none waits, no timer runs.
    async fn accept_all(mut self, listener: &TcpListener) {
        let (mut next_check, mut resume) = (None, None);
        loop {
            let connection = tokio::select! {
                connection = accept(listener, &self.permits, &mut resume) => Some(connection),
                () = sleep_until(next_check.unwrap_or_else(Instant::now)), if next_check.is_some() => None,
            };
            let now = Instant::now();
            match connection {
                Some((stream, permit)) => {
                    self.offer(PendingConnection { stream, since: now, permit }, now);
                    next_check = next_check.or(Some(now + OFFER_TIMEOUT));
                }
                None => next_check = self.reassign(now).then(|| now + OFFER_TIMEOUT),
            }
        }
    }

    /// Gives a connection to the next thread that is not blocked, or to the next one if all are.
    fn offer(&mut self, connection: PendingConnection, now: Instant) {
        let mut workers = self.workers.lock();
        let index = next_available(&workers, self.next, now).unwrap_or(self.next);
        self.next = (index + 1) % workers.len().max(1);
        if let Some(worker) = workers.get_mut(index) {
            worker.queue.offer(connection);
        }
    }

    /// Moves the connections of blocked threads to others, and replaces threads that have ended.
    /// Returns whether any connection still waits in a queue.
    fn reassign(&mut self, now: Instant) -> bool {
        let mut workers = self.workers.lock();
        for index in 0..workers.len() {
            let queue = Arc::clone(&workers[index].queue);
            if queue.has_ended.load(Ordering::Acquire) {
                log_error!("a thread that serves HTTP ended unexpectedly; a new one replaces it");
                let pending = std::mem::take(&mut *queue.pending.lock());
                (workers[index], _) = Worker::start(self.make.clone(), pending);
            } else if queue.is_blocked(now)
                && let Some(other) = next_available(&workers, index + 1, now)
            {
                let pending = std::mem::take(&mut *queue.pending.lock());
                for connection in pending {
                    workers[other].queue.offer(PendingConnection { since: now, ..connection });
                }
            }
        }
        workers.iter().any(|worker| !worker.queue.is_empty())
    }
}

/// Returns the index of the first thread, from `first` on, that is not blocked.
fn next_available(workers: &[Worker], first: usize, now: Instant) -> Option<usize> {
    let indices = (0..workers.len()).map(|step| (first + step) % workers.len());
    indices.into_iter().find(|index| !workers[*index].queue.is_blocked(now))
}

/// Waits for a permit and for the next connection, but not before `resume`.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    resume: &mut Option<Instant>,
) -> (std::net::TcpStream, OwnedSemaphorePermit) {
    loop {
        if let Some(at) = *resume {
            sleep_until(at).await;
            *resume = None;
        }
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else { continue };
        match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => return (stream, permit),
            Err(error) if is_client_error(&error) => {}
            Err(error) => {
                log_throttled!(ERROR, %error, "cannot accept a connection");
                *resume = Some(Instant::now() + ACCEPT_PAUSE);
            }
        }
    }
}

/// Whether the error only means that the client has disconnected.
fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
