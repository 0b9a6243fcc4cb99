//! The threads that serve connections, and which of them gets the next one.
//!
//! They take turns. A thread that is held, by a method or a handler that does not return, takes nothing: what was offered to it
//! goes to another one after a moment, and it is passed over until it takes again. A server of `actix_web` hands connections
//! to such a thread all the same, and there they hang.

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

/// How long a connection waits for the thread that it was offered to.
const OFFER_TIMEOUT: Duration = Duration::from_millis(10);

/// Pause after a failed attempt to accept a connection: mostly because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// How long threads have to end that have nothing more to do.
const THREAD_END_TIMEOUT: Duration = Duration::from_secs(1);

/// Becomes true when the server is to accept no more connections, and to end those that are between requests.
pub(crate) type StopReceiver = watch::Receiver<bool>;

/// The threads of a server, one that accepts connections and some that serve them.
pub(crate) struct HttpWorkers {
    stopping: watch::Sender<bool>,
    /// A permit for each connection that may be open.
    permits: Arc<Semaphore>,
    connections: u32,
    workers: Arc<Mutex<Vec<Worker>>>,
    accepting: Arbiter,
}

impl HttpWorkers {
    /// Starts the threads; each makes a service of its own for its connections, at most `connections` of all threads together.
    /// Further ones wait in the system.
    ///
    /// # Errors
    /// If the socket cannot be used, or a service cannot be made.
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
        let (mut stops, (tx, rx)) = (stopping.subscribe(), oneshot::channel());
        accepting.spawn(async move {
            let listener = match TcpListener::from_std(socket) {
                Ok(listener) => listener,
                Err(error) => return drop(tx.send(Err(error))),
            };
            // Whoever started us may have given up.
            let _ = tx.send(Ok(()));
            tokio::select! {
                _ = stops.wait_for(|stops| *stops) => {}
                () = acceptor.accept_all(&listener) => {}
            }
        });
        rx.await.map_err(io::Error::other)??;
        Ok(Self { stopping, permits, connections, workers, accepting })
    }

    /// Accepts no connection from now on, and ends those that are between requests.
    pub(crate) fn close(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until all connections have ended, for so long at most, and ends the threads. Returns whether all of them ended; one
    /// that is held does not.
    pub(crate) async fn end(self, limit: Duration) -> bool {
        self.close();
        // Those that are open still when the time is over end with their threads.
        let _ = timeout(limit, self.permits.acquire_many(self.connections)).await;
        self.accepting.stop();
        let workers = std::mem::take(&mut *self.workers.lock());
        for worker in &workers {
            worker.arbiter.stop();
        }
        let all = async {
            for worker in workers {
                // What tells the end is dropped at the end.
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

/// A connection that no thread has taken yet.
struct PendingConnection {
    stream: std::net::TcpStream,
    since: Instant,
    permit: OwnedSemaphorePermit,
}

/// What was offered to one thread.
#[derive(Default)]
struct ConnectionQueue {
    pending: Mutex<VecDeque<PendingConnection>>,
    waker: AtomicWaker,
    /// The thread is gone.
    has_ended: AtomicBool,
}

impl ConnectionQueue {
    fn offer(&self, connection: PendingConnection) {
        self.pending.lock().push_back(connection);
        self.waker.wake();
    }

    /// For the thread: the next connection.
    async fn take(&self) -> PendingConnection {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            self.pending.lock().pop_front().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn is_empty(&self) -> bool {
        self.pending.lock().is_empty()
    }

    /// Whether the thread takes nothing.
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
    /// Starts a thread to which connections were offered before. What is returned with it completes when its service is made.
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
                // Whoever makes it tells what is wrong, and whoever waits for it learns that there is none.
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
        // It is about a client that has gone already, if it fails.
        let Ok(stream) = TcpStream::from_std(stream) else { continue };
        if poll_fn(|cx| service.poll_ready(cx)).await.is_ok() {
            // Whoever serves a connection tells of its errors. Not an async block, which would have
            // permits for the future twice: once to capture it, and once to await it.
            spawn(service.call(stream).map(move |_| drop(permit)));
        }
    }
}

/// Tells of the end of a thread, whatever ends it.
struct ThreadEndGuard {
    queue: Arc<ConnectionQueue>,
    _ended: oneshot::Sender<()>,
}

impl Drop for ThreadEndGuard {
    fn drop(&mut self) {
        self.queue.has_ended.store(true, Ordering::Release);
    }
}

struct Acceptor<F> {
    permits: Arc<Semaphore>,
    workers: Arc<Mutex<Vec<Worker>>>,
    /// Whose turn it is.
    next: usize,
    make: F,
}

impl<F, S> Acceptor<F>
where
    F: Fn() -> S + Clone + Send + 'static,
    S: ServiceFactory<TcpStream, Config = (), Response = ()> + 'static,
{
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

    fn offer(&mut self, connection: PendingConnection, now: Instant) {
        let mut workers = self.workers.lock();
        let index = next_available(&workers, self.next, now).unwrap_or(self.next);
        self.next = (index + 1) % workers.len().max(1);
        if let Some(worker) = workers.get_mut(index) {
            worker.queue.offer(connection);
        }
    }

    /// Passes on what nobody takes, and starts a thread for each that is gone. Returns whether anything is pending.
    fn reassign(&mut self, now: Instant) -> bool {
        let mut workers = self.workers.lock();
        for index in 0..workers.len() {
            let queue = Arc::clone(&workers[index].queue);
            if queue.has_ended.load(Ordering::Acquire) {
                log_error!("a thread that serves HTTP was lost; a new one takes its place");
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

/// The first thread from this one on that is not held.
fn next_available(workers: &[Worker], first: usize, now: Instant) -> Option<usize> {
    let indices = (0..workers.len()).map(|step| (first + step) % workers.len());
    indices.into_iter().find(|index| !workers[*index].queue.is_blocked(now))
}

/// The next connection, once there is permits for it, and not before `resume`.
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
        // Nobody closes it.
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else { continue };
        match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => return (stream, permit),
            Err(error) if is_client_error(&error) => {}
            Err(error) => {
                log_seldom!(ERROR, %error, "cannot accept a connection");
                *resume = Some(Instant::now() + ACCEPT_PAUSE);
            }
        }
    }
}

/// Whether it only says that the client has gone.
fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
