//! From a socket that listens to requests: the connections are admitted, get their TLS, and go to
//! actix.
//!
//! This does what `actix_web::HttpServer` does, which has no place for a [stream](super::stream) of
//! ours below actix, and hands connections to threads that are [held](super::workers).

use std::fmt::Debug;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
#[cfg(feature = "tls")]
use actix_web::rt::time::timeout;

use super::connections::{Connections, Place, Rejected};
use super::reject;
use super::stream::{PeerStream, Wire};
use super::workers::{Stopping, Workers};

/// How long the beginning of a connection may take: the handshake of TLS, and again the first head.
const BEGINNING: Duration = Duration::from_secs(5);

/// How long a connection may take to end in good order, and to be sent what it does not want to
/// read.
const ENDING: Duration = Duration::from_secs(1);

/// What a server does for TLS.
#[cfg(feature = "tls")]
pub(crate) type TlsSetup = Arc<rustls::ServerConfig>;

/// Without the feature there is none.
#[cfg(not(feature = "tls"))]
pub(crate) type TlsSetup = std::convert::Infallible;

/// How a server takes connections.
#[derive(Debug)]
pub(crate) struct Listen {
    pub(crate) socket: TcpListener,
    pub(crate) connections: Arc<Connections>,
    pub(crate) tls: Option<TlsSetup>,
    /// The number of threads.
    pub(crate) workers: usize,
    /// How many connections there may be before further ones wait in the system, the rejected ones
    /// included.
    pub(crate) open_at_once: usize,
    /// Whether a connection is kept whose client has closed its sending half.
    pub(crate) half_closed: bool,
}

impl Listen {
    /// Serves an app, which is made once for each thread, until the server is ended.
    ///
    /// # Errors
    /// If the socket cannot be used, or the app cannot be made.
    pub(crate) async fn serve<F, I, S, B>(self, app: F) -> io::Result<Workers>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let Self { socket, connections, tls, workers, open_at_once, half_closed } = self;
        let address = socket.local_addr()?;
        let door = Door { connections, tls };
        let factory = move |stopping: Stopping| {
            let door = door.clone();
            let is_secure = door.tls.is_some();
            let app = app().into_factory().map_err(|error| error.into().error_response());
            // What URLs and `ConnectionInfo` of the program's own routes are made of. There is no
            // other way to say it; actix-test, which is released apart from actix-web, needs it as
            // well.
            let app = map_config(app, move |()| AppConfig::__priv_test_new(is_secure, address.to_string(), address));
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let mut stopping = stopping.clone();
                    async move {
                        // Whoever could say so is gone, if it fails.
                        let _ = stopping.wait_for(|stopping| *stopping).await;
                    }
                })
                // actix would set a timer after every answer, which costs more than most methods;
                // our watch has none.
                .keep_alive(KeepAlive::Os)
                .client_request_timeout(BEGINNING)
                .client_disconnect_timeout(ENDING)
                .h1_allow_half_closed(half_closed)
                .local_addr(address)
                .on_connect_ext(|stream: &PeerStream, data| {
                    data.insert(stream.turn());
                })
                .finish(app);
            fn_service(move |stream: TcpStream| {
                let door = door.clone();
                async move { door.enter(stream).await }
            })
            .and_then(http.map_err(Ended::Http))
            .map_err(|ended| ended.tell())
        };
        Workers::start(socket, workers, open_at_once, factory).await
    }
}

/// Where connections come in.
#[derive(Clone)]
struct Door {
    connections: Arc<Connections>,
    tls: Option<TlsSetup>,
}

impl Door {
    async fn enter(&self, stream: TcpStream) -> Result<(PeerStream, Protocol, Option<std::net::SocketAddr>), Ended> {
        let peer = stream.peer_addr().map_err(Ended::Before)?;
        // An answer in pieces would wait for the client's word on the one before: 40 ms, where the
        // client is in no hurry.
        stream.set_nodelay(true).map_err(Ended::Before)?;
        match self.connections.admit(peer.ip()) {
            Ok(place) => Ok((self.open(stream, place).await?, Protocol::Http1, Some(peer))),
            Err(Rejected::Politely) => {
                Box::pin(self.reject(stream)).await;
                Err(Ended::Rejected)
            }
            Err(Rejected::AtOnce) => {
                reject::at_once(&stream, self.tls.is_some());
                Err(Ended::Rejected)
            }
        }
    }

    async fn open(&self, stream: TcpStream, place: Place) -> Result<PeerStream, Ended> {
        let wire = match &self.tls {
            None => Wire::Plain(stream),
            #[cfg(feature = "tls")]
            Some(tls) => {
                // In a box, as what follows is for most connections all the room that they need.
                let handshake = Box::pin(tokio_rustls::TlsAcceptor::from(Arc::clone(tls)).accept(stream));
                let stream = timeout(BEGINNING, handshake).await.map_err(|late| Ended::Before(late.into()))?;
                Wire::Tls(Box::new(stream.map_err(Ended::Before)?))
            }
            #[cfg(not(feature = "tls"))]
            Some(never) => match *never {},
        };
        Ok(PeerStream::new(wire, place))
    }

    async fn reject(&self, stream: TcpStream) {
        match &self.tls {
            None => reject::politely(async { Ok(stream) }).await,
            #[cfg(feature = "tls")]
            Some(tls) => reject::politely(tokio_rustls::TlsAcceptor::from(Arc::clone(tls)).accept(stream)).await,
            #[cfg(not(feature = "tls"))]
            Some(never) => match *never {},
        }
    }
}

/// Why a connection is at its end.
#[derive(Debug)]
enum Ended {
    Rejected,
    /// It was gone before it began, or its handshake failed.
    Before(io::Error),
    Http(DispatchError),
}

impl Ended {
    /// Whoever scans the network causes many of these, so they are no more than notes for who looks
    /// for them.
    fn tell(&self) {
        match self {
            Self::Rejected => {}
            Self::Before(error) => log_debug!(%error, "a connection was closed in its handshake"),
            Self::Http(error) => log_debug!(%error, "a connection was closed"),
        }
    }
}
