//! The request that turns a connection into a WebSocket, and its response (RFC 6455, 4.2).
//!
//! `Host` and `Origin` are not checked here: the [guard](super::super::guard) does that for the
//! requests for an endpoint in any protocol.

use actix_web::http::header::{
    HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use actix_web::http::{Method, Version};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::engine::Engine;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};

use super::super::rejection::HttpRejection;
use super::connection_token::{ConnectionToken, offered};

/// The subprotocol of this server. The others that a client offers are ignored.
const SUBPROTOCOL: &str = "callbox";

/// The header by which a client knows that the server reads what it says about a call in its
/// parameters. To another server that would be a parameter that it does not know.
const CALL_META: (HeaderName, HeaderValue) =
    (HeaderName::from_static("callbox-call-meta"), HeaderValue::from_static("1"));

/// The version of the protocol, which is the only one that was ever published as a standard.
const VERSION: &str = "13";

/// What is appended to the key of the client, to prove that the server means WebSocket.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Length of the key of the client when it is decoded, in bytes.
const KEY_LENGTH: usize = 16;

/// A request for a WebSocket that is accepted.
pub(crate) struct Handshake {
    /// The response, which is complete but for its body: what the server sends as frames.
    pub(crate) response: HttpResponseBuilder,
    /// The token of the connection, if the client sent one. It has not been checked.
    pub(crate) token: Option<ConnectionToken>,
}

/// Whether a request asks for a WebSocket. If so, [`accept`] decides about it.
///
/// The conditions are those of [`framing`](super::super::framing), which passes on what follows
/// such a request as it arrives. It removes other upgrades, and those of a request with a chunked
/// body.
pub(crate) fn is_upgrade(request: &HttpRequest) -> bool {
    let names_websocket = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    request.method() == Method::GET
        // A server must ignore an upgrade of HTTP/1.0 (RFC 9110, 7.8).
        && request.version() == Version::HTTP_11
        && request.head().upgrade()
        && request.headers().get_all(UPGRADE).any(names_websocket)
}

/// Accepts a request for a WebSocket. `token_header` is the header that carries a token, in
/// addition to `Authorization: Bearer …`.
///
/// # Errors
/// If the client uses another version of the protocol, or sends no valid key.
pub(crate) fn accept(request: &HttpRequest, token_header: &HeaderName) -> Result<Handshake, HttpRejection> {
    let headers = request.headers();
    if only(headers, SEC_WEBSOCKET_VERSION) != Some(VERSION.as_bytes()) {
        return Err(HttpRejection::unsupported_websocket_version(headers));
    }
    let key = only(headers, SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let key = key.ok_or_else(|| HttpRejection::invalid_websocket_key(headers))?;
    let mut response = HttpResponse::SwitchingProtocols();
    response.upgrade("websocket").insert_header((SEC_WEBSOCKET_ACCEPT, accept_value(key))).insert_header(CALL_META);
    // A client that offers nothing must get no subprotocol, and a browser that gets none of those
    // that it offers fails.
    if offered(headers).any(|protocol| protocol == SUBPROTOCOL.as_bytes()) {
        response.insert_header((SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    Ok(Handshake { response, token: ConnectionToken::of(headers, token_header) })
}

/// Returns the value of a header that is sent exactly once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut sent = headers.get_all(name);
    let value = sent.next().filter(|_| sent.next().is_none())?;
    Some(value.as_bytes())
}

/// Whether this is a key in base64.
fn is_key(text: &[u8]) -> bool {
    // Room for the three bytes of each four characters, of which the padding needs less.
    let mut decoded = [0; KEY_LENGTH + 2];
    BASE64_STANDARD.decode_slice(text, &mut decoded) == Ok(KEY_LENGTH)
}

/// Returns the answer to a key, which shows that it was read as one.
fn accept_value(key: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

#[cfg(test)]
mod tests;
