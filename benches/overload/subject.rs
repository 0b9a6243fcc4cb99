//! The subjects: callbox in its two placements, a plain actix actor, and a semaphore in front of
//! that actor.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix::{Actor, Addr, Arbiter};
use callbox::testing::{self, TestServer};
use callbox::{ActorMessage, Handles, Message, Placement, Server, ServiceRef};
use serde::Serialize;
use tokio::sync::{Semaphore, oneshot};

use crate::baseline::{self, PlainActor};
use crate::load::Outcome;
use crate::service::{Bench, Observations};

/// The kinds of subjects, which are compared in the same run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum SubjectKind {
    /// callbox with its defaults.
    Inline,
    /// callbox with every call through its mailbox.
    Mailbox,
    /// A plain actix actor on its own arbiter, called with `addr.send`.
    Plain,
    /// That actor behind a semaphore with this number of permits; a call without a permit is
    /// rejected.
    Semaphore(usize),
}

impl SubjectKind {
    /// Whether the subject is callbox, to which the targets apply.
    pub(crate) fn is_callbox(self) -> bool {
        matches!(self, Self::Inline | Self::Mailbox)
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline => f.write_str("callbox"),
            Self::Mailbox => f.write_str("callbox, Placement::Actor"),
            Self::Plain => f.write_str("actix addr.send"),
            Self::Semaphore(permits) => write!(f, "semaphore({permits}) + addr.send"),
        }
    }
}

/// A client within the process.
#[derive(Clone)]
pub(crate) enum LocalClient {
    Callbox(ServiceRef<Bench>),
    Plain(Addr<PlainActor>),
    Semaphore(Addr<PlainActor>, Arc<Semaphore>),
}

impl LocalClient {
    /// Calls a method. The plain actor knows no deadlines, so its caller has a timeout.
    pub(crate) async fn call<M>(&self, message: M, timeout: Duration) -> Outcome
    where
        M: Message,
        Bench: Handles<M>,
        PlainActor: actix::Handler<ActorMessage<M>>,
    {
        match self {
            Self::Callbox(service) => {
                service.call(message).await.map_or_else(|e| Outcome::of_code(e.code()), |_| Outcome::Answered)
            }
            Self::Plain(addr) => baseline::send(addr, message, timeout).await,
            Self::Semaphore(addr, semaphore) => {
                let Ok(_permit) = semaphore.try_acquire() else { return Outcome::Refused };
                baseline::send(addr, message, timeout).await
            }
        }
    }
}

/// A running subject, on its own threads, with an HTTP server in front. It stops when this is
/// dropped.
pub(crate) struct Subject {
    pub(crate) kind: SubjectKind,
    pub(crate) observations: Arc<Observations>,
    pub(crate) client: LocalClient,
    pub(crate) address: SocketAddr,
    _server: RunningServer,
}

/// What runs the subject until it is dropped.
enum RunningServer {
    Callbox { _server: TestServer },
    Actix { _system: System },
}

impl Subject {
    pub(crate) fn start(kind: SubjectKind) -> Self {
        let observations = Observations::new();
        let (client, address, server) = match kind {
            SubjectKind::Inline => callbox(&observations, Placement::Inline),
            SubjectKind::Mailbox => callbox(&observations, Placement::Actor),
            SubjectKind::Plain | SubjectKind::Semaphore(_) => {
                let (system, addr, address) = System::start(&observations);
                let client = match kind {
                    SubjectKind::Semaphore(permits) => LocalClient::Semaphore(addr, Arc::new(Semaphore::new(permits))),
                    _ => LocalClient::Plain(addr),
                };
                (client, address, RunningServer::Actix { _system: system })
            }
        };
        Self { kind, observations, client, address, _server: server }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.observations.end();
    }
}

fn callbox(observations: &Arc<Observations>, placement: Placement) -> (LocalClient, SocketAddr, RunningServer) {
    let for_state = Arc::clone(observations);
    let server = testing::start(Server::new(move || Bench::new(&for_state)).placement(placement).workers(2));
    (LocalClient::Callbox(server.service()), server.address(), RunningServer::Callbox { _server: server })
}

/// The actix system of the plain actor.
struct System {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl System {
    fn start(observations: &Arc<Observations>) -> (Self, Addr<PlainActor>, SocketAddr) {
        let (stop, stopped) = oneshot::channel::<()>();
        let (sender, receiver) = std::sync::mpsc::channel();
        let observations = Arc::clone(observations);
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let arbiter = Arbiter::new();
                let state = Bench::new(&observations);
                let addr = PlainActor::start_in_arbiter(&arbiter.handle(), move |_| PlainActor::new(state));
                let (server, address) = baseline::serve(addr.clone());
                let handle = server.handle();
                let server = actix::spawn(server);
                let _ = sender.send((addr, address));
                let _ = stopped.await;
                handle.stop(false).await;
                let _ = server.await;
                arbiter.stop();
                let _ = arbiter.join();
            });
        });
        let (addr, address) = receiver.recv().expect("the baseline starts");
        (Self { stop: Some(stop), thread: Some(thread) }, addr, address)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the actor is a part of an experiment, and has been counted there.
            let _ = thread.join();
        }
    }
}
