//! Opening connections.

use std::time::Duration;

use http::{HeaderMap, Uri};
use tokio::net::TcpStream;
use tokio::time::timeout;
#[cfg(feature = "tls")]
use tokio_rustls::TlsConnector;
use tokio_websockets::{ClientBuilder as WebSocketBuilder, Limits};

use crate::address::Address;
use crate::client_error::Cause;

use super::link::Frames;
use super::watched::Watched;

/// The header by which a server says that it reads what a caller says about a call in its
/// parameters, since a single call has no headers. Another server would not know that parameter.
const CALL_META: &str = "callbox-call-meta";

/// A connection that was opened.
pub(super) struct Opened {
    pub(super) frames: Frames,
    /// Whether the server reads what a caller says about a call in its parameters.
    pub(super) reads_meta: bool,
}

/// Where a WebSocket is, and how to open it.
pub(super) struct Target {
    /// The URL as the program has written it, for the log.
    pub(super) url: Address,
    pub(super) uri: Uri,
    /// The host, without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    /// Maximum size of a message of the server, in bytes.
    pub(super) message_limit: usize,
    /// Set for `wss://`.
    #[cfg(feature = "tls")]
    pub(super) tls: Option<TlsConnector>,
}

impl Target {
    /// Opens a connection.
    ///
    /// # Errors
    /// Why it cannot be opened, if it takes too long for example.
    pub(super) async fn open(&self) -> Result<Opened, Cause> {
        let seconds = self.timeout.as_secs_f64();
        let late = |_| Cause::new(format!("it took longer than {seconds} s: raise ClientBuilder::connect_timeout"));
        timeout(self.timeout, self.handshake()).await.map_err(late)?
    }

    async fn handshake(&self) -> Result<Opened, Cause> {
        let stream = TcpStream::connect((&*self.host, self.port)).await.map_err(Cause::new)?;
        // A call is one small message, which must not wait for others.
        stream.set_nodelay(true).map_err(Cause::new)?;
        let stream = self.secured(stream).await?;
        let mut builder = WebSocketBuilder::from_uri(self.uri.clone())
            .limits(Limits::default().max_payload_len(Some(self.message_limit)));
        for (name, value) in &self.headers {
            builder = builder.add_header(name.clone(), value.clone()).map_err(Cause::new)?;
        }
        let (frames, response) = builder.connect_on(stream).await.map_err(Cause::new)?;
        Ok(Opened { frames, reads_meta: response.headers().contains_key(CALL_META) })
    }

    #[cfg(feature = "tls")]
    async fn secured(&self, stream: TcpStream) -> Result<Watched, Cause> {
        let Some(tls) = &self.tls else { return Ok(Watched::new(stream)) };
        let name = rustls::pki_types::ServerName::try_from(self.host.clone()).map_err(Cause::new)?;
        Ok(Watched::new(tls.connect(name, stream).await.map_err(Cause::new)?))
    }

    #[cfg(not(feature = "tls"))]
    async fn secured(&self, stream: TcpStream) -> Result<Watched, Cause> {
        Ok(Watched::new(stream))
    }
}
