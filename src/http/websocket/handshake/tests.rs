use std::io::Read;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONNECTION, HOST};
use actix_web::test::TestRequest;
use actix_web::web;
use futures::StreamExt;

use crate::jsonrpc::Dialect;

use super::super::super::raw_server::{RawServer, RawServerOptions};
use super::*;

const NAMED: HeaderName = HeaderName::from_static("x-api-token");

/// The key of the example in RFC 6455, and the answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

type Headers<'a> = &'a [(&'static str, &'a str)];

fn request(method: Method, version: Version, headers: Headers<'_>) -> HttpRequest {
    let request = TestRequest::with_uri("/api?token=secret").method(method).version(version);
    headers.iter().fold(request, |request, header| request.append_header(*header)).to_http_request()
}

#[test]
fn an_upgrade_is_a_get_that_names_websocket_as_actix_reads_it() {
    let both: Headers<'_> = &[("connection", "Upgrade"), ("upgrade", "websocket")];
    let cases: &[(Method, Version, Headers<'_>, bool)] = &[
        (Method::GET, Version::HTTP_11, both, true),
        (Method::GET, Version::HTTP_11, &[("connection", "keep-alive, upgrade"), ("upgrade", "WebSocket")], true),
        (
            Method::GET,
            Version::HTTP_11,
            &[("connection", "keep-alive"), ("connection", "upgrade"), ("upgrade", "h2c"), ("upgrade", "websocket")],
            true,
        ),
        (Method::POST, Version::HTTP_11, both, false),
        (Method::HEAD, Version::HTTP_11, both, false),
        (Method::GET, Version::HTTP_10, both, false),
        (Method::GET, Version::HTTP_11, &[], false),
        (Method::GET, Version::HTTP_11, &[("connection", "upgrade")], false),
        (Method::GET, Version::HTTP_11, &[("upgrade", "websocket")], false),
        (Method::GET, Version::HTTP_11, &[("connection", "upgraded"), ("upgrade", "websocket")], false),
        (Method::GET, Version::HTTP_11, &[("connection", "upgrade, close"), ("upgrade", "websocket")], false),
        (Method::GET, Version::HTTP_11, &[("connection", "upgrade"), ("upgrade", "h2c")], false),
    ];
    for (method, version, headers, expected) in cases {
        let request = request(method.clone(), *version, headers);
        assert_eq!(is_upgrade(&request), *expected, "{method} {version:?} {headers:?}");
    }
}

/// Returns the status, and the subprotocol of the response if the request is accepted.
fn status_and_subprotocol(headers: Headers<'_>) -> (u16, Option<String>) {
    match accept(&request(Method::GET, Version::HTTP_11, headers), &NAMED) {
        Err(rejection) => (rejection.status().as_u16(), None),
        Ok(mut handshake) => {
            let response = handshake.response.finish();
            let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header(SEC_WEBSOCKET_ACCEPT).as_deref(), Some(ACCEPT));
            assert_eq!(header(UPGRADE).as_deref(), Some("websocket"));
            assert!(response.head().upgrade());
            (response.status().as_u16(), header(SEC_WEBSOCKET_PROTOCOL))
        }
    }
}

#[test]
fn a_handshake_needs_one_version_and_one_key() {
    const V: &str = "sec-websocket-version";
    const K: &str = "sec-websocket-key";
    let cases: &[(Headers<'_>, u16)] = &[
        (&[(V, "13"), (K, KEY)], 101),
        (&[(K, KEY)], 426),
        (&[(V, "8"), (K, KEY)], 426),
        (&[(V, ""), (K, KEY)], 426),
        (&[(V, "13, 8"), (K, KEY)], 426),
        (&[(V, "13"), (V, "8"), (K, KEY)], 426),
        (&[(V, "12")], 426),
        (&[(V, "13")], 400),
        (&[(V, "13"), (K, "")], 400),
        (&[(V, "13"), (K, KEY), (K, KEY)], 400),
        (&[(V, "13"), (K, "dGhlIHNhbXBsZSBub25jZQ")], 400),
        (&[(V, "13"), (K, "dGhlIHNhbXBsZSBub25jZQ=!")], 400),
        (&[(V, "13"), (K, "dGhlIHNhbXBsZSBub25j")], 400),
        (&[(V, "13"), (K, "dGhlIHNhbXBsZSBub25jZXM=")], 400),
        (&[(V, "13"), (K, "dGhlIHNhbXBsZSBub25jZXMh")], 400),
        (&[(V, "13"), (K, "dGhlIHNhbXBsZSBub25jZSBvZiBhIGNsaWVudA==")], 400),
    ];
    for (headers, status) in cases {
        assert_eq!(status_and_subprotocol(headers).0, *status, "{headers:?}");
    }
}

#[test]
fn only_our_subprotocol_is_named_and_only_if_it_was_offered() {
    let cases: &[(&[&str], Option<&str>)] = &[
        (&[], None),
        (&["callbox"], Some("callbox")),
        (&["other,callbox"], Some("callbox")),
        (&["other", "callbox, callbox.token.dA"], Some("callbox")),
        (&["other"], None),
        (&["callbox.token.dA"], None),
        (&["Callbox"], None),
        (&["callbox2"], None),
    ];
    for (offered, expected) in cases {
        let mut headers = vec![("sec-websocket-version", "13"), ("sec-websocket-key", KEY)];
        headers.extend(offered.iter().map(|list| ("sec-websocket-protocol", *list)));
        assert_eq!(status_and_subprotocol(&headers), (101, expected.map(str::to_owned)), "{offered:?}");
    }
}

#[test]
fn the_token_is_that_of_the_headers_and_never_that_of_the_url() {
    let cases: &[(Headers<'_>, Option<&str>)] = &[
        (&[], None),
        (&[("sec-websocket-protocol", "callbox, callbox.token.dA")], Some("t")),
        (&[("sec-websocket-protocol", "callbox, callbox.token.dA"), ("x-api-token", "u")], Some("u")),
    ];
    for (headers, expected) in cases {
        let headers = [&[("sec-websocket-version", "13"), ("sec-websocket-key", KEY)], *headers].concat();
        let handshake = accept(&request(Method::GET, Version::HTTP_11, &headers), &NAMED).unwrap();
        assert_eq!(handshake.token.as_ref().map(ConnectionToken::reveal), *expected, "{headers:?}");
    }
}

/// A connection that answers each chunk of bytes with the same bytes.
async fn echo(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    if !is_upgrade(&request) {
        return HttpResponse::build(StatusCode::METHOD_NOT_ALLOWED).finish();
    }
    match accept(&request, &NAMED) {
        Ok(mut handshake) => handshake.response.streaming(payload.map(|chunk| chunk)),
        Err(rejection) => rejection.respond(payload.into_inner(), Dialect::Jsonrpc),
    }
}

#[test]
fn after_the_handshake_both_sides_send_bytes_as_they_are() {
    let server = RawServer::start(RawServerOptions::default(), || {
        |config: &mut web::ServiceConfig| {
            config.route("/api", web::to(echo));
        }
    });
    let mut client = server.connect();
    let start = format!(
        "GET /api HTTP/1.1\r\n{HOST}: localhost\r\n{CONNECTION}: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    );
    let end = format!("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n");
    // The first bytes may come with the head.
    client.send(format!("{start}{end}hello").as_bytes());
    let head = client.answer().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for line in
        ["upgrade: websocket", "connection: upgrade", &format!("sec-websocket-accept: {}", ACCEPT.to_lowercase())]
    {
        assert!(head.lines().any(|sent| sent == line), "{head}");
    }
    for name in ["content-length:", "transfer-encoding:"] {
        assert!(!head.contains(name), "{head}");
    }
    let mut echoed = [0; 5];
    client.stream.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"hello");
    client.send(b"\0\xffabc");
    client.stream.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"\0\xffabc");

    let mut client = server.connect();
    client.send(format!("{start}Sec-WebSocket-Version: 14\r\nSec-WebSocket-Key: {KEY}\r\n\r\n").as_bytes());
    let head = client.answer().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 426 "), "{head}");
    for line in ["upgrade: websocket", "sec-websocket-version: 13"] {
        assert!(head.lines().any(|sent| sent == line), "{head}");
    }
}
