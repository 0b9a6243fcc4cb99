//! From a socket that listens to requests: the connections are admitted, get their TLS, and go to
//! actix.
//!
//! This does what `actix_web::HttpServer` does, which has no guard for a [stream](super::peer_stream) of
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

use super::connections::{ConnectionGuard, ConnectionRejected, Connections};
use super::peer_stream::{PeerStream, SocketStream};
use super::reject_connection;
use super::workers::{HttpWorkers, StopReceiver};

/// How long the beginning of a connection may take: the handshake of TLS, and again the first head.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may take to end in good order, and to be sent what it does not want to
/// read.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// What a server does for TLS.
#[cfg(feature = "tls")]
pub(crate) type TlsSetup = Arc<rustls::ServerConfig>;

/// Without the feature there is none.
#[cfg(not(feature = "tls"))]
pub(crate) type TlsSetup = std::convert::Infallible;

/// How a server takes connections.
#[derive(Debug)]
pub(crate) struct HttpListener {
    pub(crate) socket: TcpListener,
    pub(crate) connections: Arc<Connections>,
    pub(crate) tls: Option<TlsSetup>,
    /// The number of threads.
    pub(crate) workers: usize,
    /// How many connections there may be before further ones wait in the system, the rejected ones
    /// included.
    pub(crate) max_open: usize,
    /// Whether a connection is kept whose client has closed its sending half.
    pub(crate) allow_half_closed: bool,
}

impl HttpListener {
    /// Serves an app, which is made once for each thread, until the server is ended.
    ///
    /// # Errors
    /// If the socket cannot be used, or the app cannot be made.
    pub(crate) async fn serve<F, I, S, B>(self, app: F) -> io::Result<HttpWorkers>
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
        let Self { socket, connections, tls, workers, max_open, allow_half_closed } = self;
        let address = socket.local_addr()?;
        let acceptor = ConnectionAcceptor { connections, tls };
        let factory = move |stopping: StopReceiver| {
            let acceptor = acceptor.clone();
            let is_secure = acceptor.tls.is_some();
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
                .client_request_timeout(HANDSHAKE_TIMEOUT)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                .h1_allow_half_closed(allow_half_closed)
                .local_addr(address)
                .on_connect_ext(|stream: &PeerStream, data| {
                    data.insert(stream.connection_state());
                })
                .finish(app);
            fn_service(move |stream: TcpStream| {
                let acceptor = acceptor.clone();
                async move { acceptor.accept(stream).await }
            })
            .and_then(http.map_err(ConnectionError::Http))
            .map_err(|error| error.log())
        };
        HttpWorkers::start(socket, workers, max_open, factory).await
    }
}

/// Where connections come in.
#[derive(Clone)]
struct ConnectionAcceptor {
    connections: Arc<Connections>,
    tls: Option<TlsSetup>,
}

impl ConnectionAcceptor {
    async fn accept(
        &self,
        stream: TcpStream,
    ) -> Result<(PeerStream, Protocol, Option<std::net::SocketAddr>), ConnectionError> {
        let peer = stream.peer_addr().map_err(ConnectionError::Handshake)?;
        // An answer in pieces would wait for the client's word on the one before: 40 ms, where the
        // client is in no hurry.
        stream.set_nodelay(true).map_err(ConnectionError::Handshake)?;
        match self.connections.admit(peer.ip()) {
            Ok(guard) => Ok((self.establish(stream, guard).await?, Protocol::Http1, Some(peer))),
            Err(ConnectionRejected::WithResponse) => {
                Box::pin(self.reject(stream)).await;
                Err(ConnectionError::ConnectionRejected)
            }
            Err(ConnectionRejected::Immediately) => {
                reject_connection::immediately(&stream, self.tls.is_some());
                Err(ConnectionError::ConnectionRejected)
            }
        }
    }

    async fn establish(&self, stream: TcpStream, guard: ConnectionGuard) -> Result<PeerStream, ConnectionError> {
        let stream = match &self.tls {
            None => SocketStream::Plain(stream),
            #[cfg(feature = "tls")]
            Some(tls) => {
                // In a box, as what follows is for most connections all the room that they need.
                let handshake = Box::pin(tokio_rustls::TlsAcceptor::from(Arc::clone(tls)).accept(stream));
                let stream = timeout(HANDSHAKE_TIMEOUT, handshake)
                    .await
                    .map_err(|late| ConnectionError::Handshake(late.into()))?;
                SocketStream::Tls(Box::new(stream.map_err(ConnectionError::Handshake)?))
            }
            #[cfg(not(feature = "tls"))]
            Some(never) => match *never {},
        };
        Ok(PeerStream::new(stream, guard))
    }

    async fn reject(&self, stream: TcpStream) {
        match &self.tls {
            None => reject_connection::with_response(async { Ok(stream) }).await,
            #[cfg(feature = "tls")]
            Some(tls) => {
                reject_connection::with_response(tokio_rustls::TlsAcceptor::from(Arc::clone(tls)).accept(stream)).await
            }
            #[cfg(not(feature = "tls"))]
            Some(never) => match *never {},
        }
    }
}

/// Why a connection is at its end.
#[derive(Debug)]
enum ConnectionError {
    ConnectionRejected,
    /// It was gone before it began, or its handshake failed.
    Handshake(io::Error),
    Http(DispatchError),
}

impl ConnectionError {
    /// Whoever scans the network causes many of these, so they are no more than notes for who looks
    /// for them.
    fn log(&self) {
        match self {
            Self::ConnectionRejected => {}
            Self::Handshake(error) => log_debug!(%error, "a connection was closed in its handshake"),
            Self::Http(error) => log_debug!(%error, "a connection was closed"),
        }
    }
}
