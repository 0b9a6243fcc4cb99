//! The token of a WebSocket connection, from a header or from the list of subprotocols.

use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName, SEC_WEBSOCKET_PROTOCOL};
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};

use super::super::caller_headers;

/// The beginning of a subprotocol that carries a token. The rest is the token in base64url: a web
/// page can set no header of the handshake but the list of subprotocols, whose names may not have
/// all characters that a token may have.
const PREFIX: &str = "callbox.token.";

/// Base64url, with padding or without it. A browser accepts no `=` in a subprotocol.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The token that a client sent with the handshake, and that counts for all that it sends.
#[derive(Clone)]
pub(crate) struct ConnectionToken(Box<str>);

impl ConnectionToken {
    /// Returns the token of a request. A token in a header has precedence over the subprotocols:
    /// these are not even read if the tokens in the headers contradict each other, as a proxy may
    /// have added one of them. Nothing is read from the URL, which ends up in logs.
    ///
    /// A token in the subprotocols that cannot be decoded counts as one that is not valid, and so
    /// do two that differ.
    pub(super) fn of(headers: &HeaderMap, named: &HeaderName) -> Option<Self> {
        if caller_headers::has_token(headers, named) {
            return caller_headers::token(headers, named).map(|token| Self(token.into()));
        }
        let mut sent = offered(headers).filter_map(|protocol| Some((protocol, encoded_token(protocol)?)));
        let (protocol, encoded) = sent.next()?;
        let decoded = sent.all(|(_, other)| other == encoded).then(|| decode(encoded)).flatten();
        // With its prefix it is the token of nobody, and is denied by the way of all wrong tokens,
        // which also counts it as a failed attempt of its peer.
        Some(Self(decoded.unwrap_or_else(|| String::from_utf8_lossy(protocol).into())))
    }

    /// Returns the token. Keep it out of logs.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// The output hides the token.
impl fmt::Debug for ConnectionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionToken(…)")
    }
}

/// Returns the subprotocols that the client offers.
pub(super) fn offered(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .flat_map(|list| list.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
}

/// Returns the token of a subprotocol, if it carries one that is not empty.
fn encoded_token(protocol: &[u8]) -> Option<&[u8]> {
    protocol.strip_prefix(PREFIX.as_bytes()).filter(|token| !token.is_empty())
}

fn decode(encoded: &[u8]) -> Option<Box<str>> {
    let bytes = BASE64_URL.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().map(String::into_boxed_str)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const NAMED: HeaderName = HeaderName::from_static("x-api-token");

    fn token(lines: &[(&'static str, &[u8])]) -> Option<ConnectionToken> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        ConnectionToken::of(&headers, &NAMED)
    }

    #[test]
    fn a_token_comes_from_a_header_or_else_from_the_subprotocols() {
        const LIST: &str = "sec-websocket-protocol";
        type HeaderLines = &'static [(&'static str, &'static [u8])];
        let table: &[(HeaderLines, Option<&str>)] = &[
            (&[], None),
            (&[(LIST, b"callbox")], None),
            (&[(LIST, b"callbox, callbox.token.Y2J4X8O8")], Some("cbx_ü")),
            (&[(LIST, b"callbox,callbox.token.Y2J4X8O8")], Some("cbx_ü")),
            (&[(LIST, b"callbox.token.Pz8_Pj4-")], Some("???>>>")),
            (&[(LIST, b"callbox"), (LIST, b"other, callbox.token.dA")], Some("t")),
            (&[(LIST, b"callbox.token.dA==")], Some("t")),
            (&[(LIST, b"callbox.token.dA, callbox.token.dA")], Some("t")),
            (&[(LIST, b"callbox.token.")], None),
            (&[(LIST, b"callbox.token., callbox.token.dA")], Some("t")),
            (&[(LIST, b"Callbox.Token.dA")], None),
            // Those that are not valid.
            (&[(LIST, b"callbox.token.dA, callbox.token.dQ")], Some("callbox.token.dA")),
            (&[(LIST, b"callbox.token.Pz8/Pj4+")], Some("callbox.token.Pz8/Pj4+")),
            (&[(LIST, b"callbox.token.cbx_token")], Some("callbox.token.cbx_token")),
            (&[(LIST, b"callbox.token._w")], Some("callbox.token._w")),
            (&[(LIST, b"callbox.token.\xff")], Some("callbox.token.\u{fffd}")),
            // A header has precedence, even if what it carries does not count.
            (&[(LIST, b"callbox.token.dA"), ("x-api-token", b"u")], Some("u")),
            (&[(LIST, b"callbox.token.dA"), ("authorization", b"Bearer u")], Some("u")),
            (&[(LIST, b"callbox.token.!"), ("authorization", b"Bearer u")], Some("u")),
            (&[(LIST, b"callbox.token.dA"), ("authorization", b"Basic dTpw")], Some("t")),
            (&[(LIST, b"callbox.token.dA"), ("x-api-token", b"")], Some("t")),
            (&[(LIST, b"callbox.token.dA"), ("x-api-token", b"t"), ("authorization", b"Bearer u")], None),
            (&[(LIST, b"callbox.token.dA"), ("x-api-token", b"\xff")], None),
        ];
        for (lines, expected) in table {
            let token = token(lines);
            assert_eq!(token.as_ref().map(ConnectionToken::reveal), *expected, "{lines:?}");
        }
    }

    #[test]
    fn the_debug_output_hides_the_token() {
        let token = token(&[("x-api-token", b"secret")]);
        assert_eq!(format!("{token:?}"), "Some(ConnectionToken(…))");
    }
}
