//! The subjects: callbox in its two placements, a plain actix actor, and a semaphore in front of that actor.

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

use crate::baseline::{self, Plain};
use crate::bodies::{Bench, Watch};
use crate::load::End;

/// What is measured, one beside the other in the same run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Kind {
    /// callbox as it is by default.
    Inline,
    /// callbox with every call through its mailbox.
    Mailbox,
    /// A plain actix actor on an arbiter of its own, called with `addr.send`.
    Plain,
    /// That actor behind a semaphore with so many permits; who gets none is refused.
    Semaphore(usize),
}

impl Kind {
    /// Whether the targets hold for it.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Inline | Self::Mailbox)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline => f.write_str("callbox"),
            Self::Mailbox => f.write_str("callbox, Placement::Actor"),
            Self::Plain => f.write_str("actix addr.send"),
            Self::Semaphore(permits) => write!(f, "semaphore({permits}) + addr.send"),
        }
    }
}

/// How to reach a subject from within the process.
#[derive(Clone)]
pub(crate) enum Reach {
    Callbox(ServiceRef<Bench>),
    Plain(Addr<Plain>),
    Semaphore(Addr<Plain>, Arc<Semaphore>),
}

impl Reach {
    /// Calls a method. The plain actor knows no deadlines, so its caller has a limit of its own.
    pub(crate) async fn call<M>(&self, message: M, patience: Duration) -> End
    where
        M: Message,
        Bench: Handles<M>,
        Plain: actix::Handler<ActorMessage<M>>,
    {
        match self {
            Self::Callbox(service) => {
                service.call(message).await.map_or_else(|e| End::of_code(e.code()), |_| End::Answered)
            }
            Self::Plain(addr) => baseline::send(addr, message, patience).await,
            Self::Semaphore(addr, semaphore) => {
                let Ok(_permit) = semaphore.try_acquire() else { return End::Refused };
                baseline::send(addr, message, patience).await
            }
        }
    }
}

/// One subject that runs, on threads of its own, with an HTTP server in front. Stops when it is dropped.
pub(crate) struct Site {
    pub(crate) kind: Kind,
    pub(crate) watch: Arc<Watch>,
    pub(crate) reach: Reach,
    pub(crate) address: SocketAddr,
    _runs: Runs,
}

/// Held for its drop.
enum Runs {
    Callbox { _server: TestServer },
    Actix { _system: System },
}

impl Site {
    pub(crate) fn start(kind: Kind) -> Self {
        let watch = Watch::new();
        let (reach, address, runs) = match kind {
            Kind::Inline => callbox(&watch, Placement::Inline),
            Kind::Mailbox => callbox(&watch, Placement::Actor),
            Kind::Plain | Kind::Semaphore(_) => {
                let (system, addr, address) = System::start(&watch);
                let reach = match kind {
                    Kind::Semaphore(permits) => Reach::Semaphore(addr, Arc::new(Semaphore::new(permits))),
                    _ => Reach::Plain(addr),
                };
                (reach, address, Runs::Actix { _system: system })
            }
        };
        Self { kind, watch, reach, address, _runs: runs }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.watch.end();
    }
}

fn callbox(watch: &Arc<Watch>, placement: Placement) -> (Reach, SocketAddr, Runs) {
    let for_state = Arc::clone(watch);
    let server = testing::start(Server::new(move || Bench::new(&for_state)).placement(placement).workers(2));
    (Reach::Callbox(server.service()), server.address(), Runs::Callbox { _server: server })
}

/// The plain actor's actix system.
struct System {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl System {
    fn start(watch: &Arc<Watch>) -> (Self, Addr<Plain>, SocketAddr) {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let watch = Arc::clone(watch);
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let arbiter = Arbiter::new();
                let state = Bench::new(&watch);
                let addr = Plain::start_in_arbiter(&arbiter.handle(), move |_| Plain::new(state));
                let (server, address) = baseline::serve(addr.clone());
                let handle = server.handle();
                let server = actix::spawn(server);
                let _ = tell.send((addr, address));
                let _ = stopped.await;
                handle.stop(false).await;
                let _ = server.await;
                arbiter.stop();
                let _ = arbiter.join();
            });
        });
        let (addr, address) = told.recv().expect("the baseline starts");
        (Self { stop: Some(stop), thread: Some(thread) }, addr, address)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the actor is part of an experiment, and has been counted there.
            let _ = thread.join();
        }
    }
}
