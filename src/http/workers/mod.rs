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
const OFFER: Duration = Duration::from_millis(10);

/// Pause after a failed attempt to accept a connection: mostly because no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(250);

/// How long threads have to end that have nothing more to do.
const ENDING: Duration = Duration::from_secs(1);

/// Becomes true when the server is to accept no more connections, and to end those that are between requests.
pub(crate) type Stopping = watch::Receiver<bool>;

/// The threads of a server, one that accepts connections and some that serve them.
pub(crate) struct Workers {
    stopping: watch::Sender<bool>,
    /// A permit for each connection that may be open.
    room: Arc<Semaphore>,
    connections: u32,
    serving: Arc<Mutex<Vec<Worker>>>,
    accepting: Arbiter,
}

impl Workers {
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
        F: Fn(Stopping) -> S + Clone + Send + 'static,
        S: ServiceFactory<TcpStream, Config = (), Response = ()> + 'static,
    {
        socket.set_nonblocking(true)?;
        let (stopping, stops) = watch::channel(false);
        let make = move || make(stops.clone());
        let mut serving = Vec::new();
        for _ in 0..threads {
            let (worker, started) = Worker::start(make.clone(), VecDeque::new());
            serving.push(worker);
            started.await.map_err(|_| io::Error::other("a thread that serves HTTP ended while it started"))?;
        }
        let serving = Arc::new(Mutex::new(serving));
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        let room = Arc::new(Semaphore::new(connections as usize));
        let accepting = Arbiter::new();
        let acceptor = Acceptor { room: Arc::clone(&room), serving: Arc::clone(&serving), next: 0, make };
        let (mut stops, (tell, told)) = (stopping.subscribe(), oneshot::channel());
        accepting.spawn(async move {
            let listener = match TcpListener::from_std(socket) {
                Ok(listener) => listener,
                Err(error) => return drop(tell.send(Err(error))),
            };
            // Whoever started us may have given up.
            let _ = tell.send(Ok(()));
            tokio::select! {
                _ = stops.wait_for(|stops| *stops) => {}
                () = acceptor.accept_all(&listener) => {}
            }
        });
        told.await.map_err(io::Error::other)??;
        Ok(Self { stopping, room, connections, serving, accepting })
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
        let _ = timeout(limit, self.room.acquire_many(self.connections)).await;
        self.accepting.stop();
        let serving = std::mem::take(&mut *self.serving.lock());
        for worker in &serving {
            worker.arbiter.stop();
        }
        let all = async {
            for worker in serving {
                // What tells the end is dropped at the end.
                let _ = worker.ended.await;
            }
        };
        timeout(ENDING, all).await.is_ok()
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// A connection that no thread has taken yet.
struct Offered {
    stream: std::net::TcpStream,
    since: Instant,
    permit: OwnedSemaphorePermit,
}

/// What was offered to one thread.
#[derive(Default)]
struct Inbox {
    offered: Mutex<VecDeque<Offered>>,
    waker: AtomicWaker,
    /// The thread is gone.
    is_lost: AtomicBool,
}

impl Inbox {
    fn offer(&self, connection: Offered) {
        self.offered.lock().push_back(connection);
        self.waker.wake();
    }

    /// For the thread: the next connection.
    async fn take(&self) -> Offered {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            self.offered.lock().pop_front().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn is_empty(&self) -> bool {
        self.offered.lock().is_empty()
    }

    /// Whether the thread takes nothing.
    fn is_held(&self, now: Instant) -> bool {
        self.offered.lock().front().is_some_and(|first| now.duration_since(first.since) >= OFFER)
    }
}

/// A thread that serves connections.
struct Worker {
    inbox: Arc<Inbox>,
    arbiter: Arbiter,
    ended: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts a thread to which connections were offered before. What is returned with it completes when its service is made.
    fn start<F, S>(make: F, offered: VecDeque<Offered>) -> (Self, oneshot::Receiver<()>)
    where
        F: Fn() -> S + Send + 'static,
        S: ServiceFactory<TcpStream, Config = (), Response = ()> + 'static,
    {
        let inbox = Arc::new(Inbox { offered: Mutex::new(offered), ..Inbox::default() });
        let (tell, ended) = oneshot::channel();
        let (started, starts) = oneshot::channel();
        let arbiter = Arbiter::new();
        let guard = Guard { inbox: Arc::clone(&inbox), _ended: tell };
        arbiter.spawn_fn(move || {
            spawn(async move {
                // Whoever makes it tells what is wrong, and whoever waits for it learns that there is none.
                let Ok(service) = make().new_service(()).await else { return };
                let _ = started.send(());
                serve(service, &guard.inbox).await;
            });
        });
        (Self { inbox, arbiter, ended }, starts)
    }
}

async fn serve<S: Service<TcpStream, Response = ()> + 'static>(service: S, inbox: &Inbox) {
    loop {
        let Offered { stream, permit, .. } = inbox.take().await;
        // It is about a client that has gone already, if it fails.
        let Ok(stream) = TcpStream::from_std(stream) else { continue };
        if poll_fn(|cx| service.poll_ready(cx)).await.is_ok() {
            // Whoever serves a connection tells of its errors. Not an async block, which would have
            // room for the future twice: once to capture it, and once to await it.
            spawn(service.call(stream).map(move |_| drop(permit)));
        }
    }
}

/// Tells of the end of a thread, whatever ends it.
struct Guard {
    inbox: Arc<Inbox>,
    _ended: oneshot::Sender<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.inbox.is_lost.store(true, Ordering::Release);
    }
}

struct Acceptor<F> {
    room: Arc<Semaphore>,
    serving: Arc<Mutex<Vec<Worker>>>,
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
        let (mut look, mut resume) = (None, None);
        loop {
            let connection = tokio::select! {
                connection = accept(listener, &self.room, &mut resume) => Some(connection),
                () = sleep_until(look.unwrap_or_else(Instant::now)), if look.is_some() => None,
            };
            let now = Instant::now();
            match connection {
                Some((stream, permit)) => {
                    self.offer(Offered { stream, since: now, permit }, now);
                    look = look.or(Some(now + OFFER));
                }
                None => look = self.pass_on(now).then(|| now + OFFER),
            }
        }
    }

    fn offer(&mut self, connection: Offered, now: Instant) {
        let mut serving = self.serving.lock();
        let index = free(&serving, self.next, now).unwrap_or(self.next);
        self.next = (index + 1) % serving.len().max(1);
        if let Some(worker) = serving.get_mut(index) {
            worker.inbox.offer(connection);
        }
    }

    /// Passes on what nobody takes, and starts a thread for each that is gone. Returns whether anything is offered.
    fn pass_on(&mut self, now: Instant) -> bool {
        let mut serving = self.serving.lock();
        for index in 0..serving.len() {
            let inbox = Arc::clone(&serving[index].inbox);
            if inbox.is_lost.load(Ordering::Acquire) {
                log_error!("a thread that serves HTTP was lost; a new one takes its place");
                let offered = std::mem::take(&mut *inbox.offered.lock());
                (serving[index], _) = Worker::start(self.make.clone(), offered);
            } else if inbox.is_held(now)
                && let Some(other) = free(&serving, index + 1, now)
            {
                let offered = std::mem::take(&mut *inbox.offered.lock());
                for connection in offered {
                    serving[other].inbox.offer(Offered { since: now, ..connection });
                }
            }
        }
        serving.iter().any(|worker| !worker.inbox.is_empty())
    }
}

/// The first thread from this one on that is not held.
fn free(serving: &[Worker], first: usize, now: Instant) -> Option<usize> {
    let indices = (0..serving.len()).map(|step| (first + step) % serving.len());
    indices.into_iter().find(|index| !serving[*index].inbox.is_held(now))
}

/// The next connection, once there is room for it, and not before `resume`.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    resume: &mut Option<Instant>,
) -> (std::net::TcpStream, OwnedSemaphorePermit) {
    loop {
        if let Some(at) = *resume {
            sleep_until(at).await;
            *resume = None;
        }
        // Nobody closes it.
        let Ok(permit) = Arc::clone(room).acquire_owned().await else { continue };
        match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => return (stream, permit),
            Err(error) if is_of_client(&error) => {}
            Err(error) => {
                log_seldom!(ERROR, %error, "cannot accept a connection");
                *resume = Some(Instant::now() + PAUSE);
            }
        }
    }
}

/// Whether it only says that the client has gone.
fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
