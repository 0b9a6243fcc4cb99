//! A place for one call at a time: a connection over HTTP, or a part of one over a WebSocket or
//! NATS.

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use async_io::Timer;
use callbox::client::Client;
use futures::FutureExt;
use futures::future::{Either, LocalBoxFuture, select};
use futures::stream::{self, StreamExt};

use super::connection::Connection;
use super::http1::build_request;
use super::nats_calls::{self, NatsCall};
use super::outcome::Outcome;
use super::socket::{CallText, Socket};
use super::target::Target;
use super::upgrade::build_upgrade;
use super::web_target::WebTarget;
use super::{MethodLoad, Plan};

/// Maximum time to open one connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum number of connections that are being opened at the same time, so that the server's
/// accept backlog does not overflow first.
pub(super) const MAX_CONCURRENT_CONNECTS: usize = 32;

/// A place for one call at a time.
#[derive(Debug)]
pub(super) enum Lane {
    Http {
        connection: Connection,
        /// The requests of the methods.
        requests: Rc<[Vec<u8>]>,
    },
    WebSocket {
        socket: Rc<Socket>,
        slot: usize,
        /// The calls of the methods.
        calls: Rc<[CallText]>,
    },
    Nats {
        client: Client,
        /// The calls of the methods.
        calls: Rc<[NatsCall]>,
    },
}

/// The lanes of a plan, and the futures that serve their connections, which never complete.
#[derive(Default)]
pub(super) struct LanePool {
    pub(super) lanes: Vec<Lane>,
    pub(super) drivers: Vec<LocalBoxFuture<'static, ()>>,
}

impl Lane {
    /// Calls the method with this index, and returns the outcome.
    pub(super) async fn call(&mut self, method: usize) -> Outcome {
        match self {
            Self::Http { connection, requests } => connection.call(&requests[method]).await,
            Self::WebSocket { socket, slot, calls } => socket.call(*slot, &calls[method]).await,
            Self::Nats { client, calls } => calls[method].make(client).await,
        }
    }
}

impl LanePool {
    /// Opens all connections of a plan. Those that fail are opened again when they have a call to
    /// make.
    ///
    /// # Errors
    ///
    /// If no connection could be opened.
    pub(super) async fn open(plan: &Plan) -> io::Result<Self> {
        match &plan.target {
            Target::Web(target) if target.is_websocket() => Self::open_sockets(plan, target).await,
            Target::Web(target) => Self::open_http(plan, target).await,
            Target::Nats(target) => nats_calls::open(plan, target).await,
        }
    }

    async fn open_http(plan: &Plan, target: &WebTarget) -> io::Result<Self> {
        let address = target.address();
        let request = |method: &MethodLoad| {
            build_request(&target.host, &target.path, &plan.headers, &method.method, &method.params)
        };
        let requests: Rc<[_]> = plan.methods.iter().map(request).collect();
        let connections = open_all(plan, || async {
            let mut connection = Connection::new(address);
            let connected = in_time(connection.connect()).await;
            (connection, connected)
        });
        let lane = |connection| Lane::Http { connection, requests: Rc::clone(&requests) };
        Ok(Self { lanes: connections.await?.into_iter().map(lane).collect(), drivers: Vec::new() })
    }

    async fn open_sockets(plan: &Plan, target: &WebTarget) -> io::Result<Self> {
        let (address, upgrade) = (target.address(), build_upgrade(target, &plan.headers));
        let call = |method: &MethodLoad| CallText::new(&method.method, &method.params);
        let calls: Rc<[_]> = plan.methods.iter().map(call).collect();
        let sockets = open_all(plan, || async {
            let socket = Socket::new(address, upgrade.clone(), plan.in_flight);
            let (stream, opened) = match in_time(socket.open()).await {
                Ok(stream) => (Some(stream), Ok(())),
                Err(error) => (None, Err(error)),
            };
            ((Rc::new(socket), stream), opened)
        });
        let mut lanes = Self::default();
        let sockets = sockets.await?;
        // Calls go over all connections in turn.
        for slot in 0..plan.in_flight {
            let lane = |(socket, _): &(Rc<Socket>, _)| Lane::WebSocket {
                socket: Rc::clone(socket),
                slot,
                calls: Rc::clone(&calls),
            };
            lanes.lanes.extend(sockets.iter().map(lane));
        }
        for (socket, stream) in sockets {
            lanes.drivers.push(async move { socket.drive(stream).await }.boxed_local());
        }
        Ok(lanes)
    }
}

/// Opens the connections of a plan, a few at a time.
///
/// # Errors
///
/// If none could be opened.
async fn open_all<T, F: Future<Output = (T, io::Result<()>)>>(plan: &Plan, open: impl Fn() -> F) -> io::Result<Vec<T>> {
    let opening = stream::iter(0..plan.connections).map(|_| open());
    let (connections, opened): (Vec<_>, Vec<_>) = opening.buffer_unordered(MAX_CONCURRENT_CONNECTS).unzip().await;
    if opened.iter().any(Result::is_ok) {
        return Ok(connections);
    }
    opened.into_iter().find_map(Result::err).map_or(Ok(connections), Err)
}

async fn in_time<T>(opening: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match select(pin!(opening), Timer::after(CONNECT_TIMEOUT)).await {
        Either::Left((opened, _)) => opened,
        Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
