//! From a listening socket to requests: connections are admitted, do their TLS handshake, and are
//! given to actix.
//!
//! This replaces `actix_web::HttpServer`, which does not allow a [stream](super::peer_stream) of
//! ours below actix, and gives connections even to threads that are [blocked](super::workers).

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

use crate::dispatch::Stopping;

use super::connections::{ConnectionGuard, ConnectionRejected, Connections};
use super::peer_stream::{PeerStream, SocketStream};
use super::reject_connection;
use super::workers::{HttpWorkers, StopReceiver};

/// Maximum time for a TLS handshake, and again for the first head of a connection.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time for a connection to shut down cleanly, and to discard what the client still sends.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The TLS configuration of a server.
#[cfg(feature = "tls")]
pub(crate) type TlsSetup = Arc<rustls::ServerConfig>;

/// The TLS configuration of a server without the feature `tls`: there is none.
#[cfg(not(feature = "tls"))]
pub(crate) type TlsSetup = std::convert::Infallible;

/// A listening socket, with the settings for its connections.
#[derive(Debug)]
pub(crate) struct HttpListener {
    pub(crate) socket: TcpListener,
    pub(crate) connections: Arc<Connections>,
    pub(crate) tls: Option<TlsSetup>,
    /// Number of threads that serve connections.
    pub(crate) workers: usize,
    /// Maximum number of open sockets, including rejected ones. Further connections wait in the
    /// operating system's backlog.
    pub(crate) max_open: usize,
    /// Whether a connection stays open when its client has closed its sending half.
    pub(crate) allow_half_closed: bool,
}

impl HttpListener {
    /// Serves an app until the server is ended. The app is created once for each thread.
    ///
    /// # Errors
    /// If the socket cannot be used, or the app cannot be created.
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
            // URLs and `ConnectionInfo` of the program's own routes are made from this. There is no
            // other way to set it. actix-test, which is released separately from actix-web, needs
            // this function as well.
            let app = map_config(app, move |()| AppConfig::__priv_test_new(is_secure, address.to_string(), address));
            let http = HttpService::build()
                .graceful_shutdown_signal(move || Stopping::new(stopping.clone()))
                // actix would set a timer after every response, which costs more than most methods
                // do. Our watch needs no timer for each connection.
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

/// Admits connections and does their TLS handshake.
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
        // Without this, each further piece of a response would wait until the client acknowledges
        // the one before: 40 ms, if the client delays its acknowledgements.
        stream.set_nodelay(true).map_err(ConnectionError::Handshake)?;
        match self.connections.admit(peer.ip()) {
            Ok(guard) => Ok((self.establish(stream, guard).await?, Protocol::Http1, Some(peer))),
            Err(ConnectionRejected::WithResponse) => {
                Box::pin(self.reject(stream)).await;
                Err(ConnectionError::Rejected)
            }
            Err(ConnectionRejected::Immediately) => {
                reject_connection::immediately(&stream, self.tls.is_some());
                Err(ConnectionError::Rejected)
            }
        }
    }

    async fn establish(&self, stream: TcpStream, guard: ConnectionGuard) -> Result<PeerStream, ConnectionError> {
        let stream = match &self.tls {
            None => SocketStream::Plain(stream),
            #[cfg(feature = "tls")]
            Some(tls) => {
                // Boxed, so that the handshake's future takes no room in this one, which is all
                // that most connections need.
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
                let handshake = tokio_rustls::TlsAcceptor::from(Arc::clone(tls)).accept(stream);
                reject_connection::with_response(handshake).await;
            }
            #[cfg(not(feature = "tls"))]
            Some(never) => match *never {},
        }
    }
}

/// The reason why a connection ended.
#[derive(Debug)]
enum ConnectionError {
    /// The connection was beyond the limits.
    Rejected,
    /// The client disconnected before the first byte, or the TLS handshake failed.
    Handshake(io::Error),
    Http(DispatchError),
}

impl ConnectionError {
    /// Logs the error. Network scans cause many of these, so the level is only debug.
    fn log(&self) {
        match self {
            Self::Rejected => {}
            Self::Handshake(error) => log_debug!(%error, "a connection was closed in its handshake"),
            Self::Http(error) => log_debug!(%error, "a connection was closed"),
        }
    }
}
