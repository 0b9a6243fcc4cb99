//! The request that opens a WebSocket, and who may send it.

use callbox::Dialect;
use callbox_test_support::http::{Connection, Response, head};
use callbox_test_support::websocket::{End, TEXT, WebSocket, frame, handshake};
use serde_json::json;

use crate::running::{Running, start, start_with};

fn answer(running: &Running, request: &str) -> Response {
    let mut connection = Connection::open(running.server.address());
    connection.send(request);
    connection.read_response()
}

/// Returns the same request with another method.
fn with_method(method: &str, request: &str) -> String {
    request.replacen("GET ", &format!("{method} "), 1)
}

#[test]
fn a_handshake_that_is_not_valid_is_refused_with_its_status() {
    let running = start();
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[], 101),
        (&[("Upgrade", "WebSocket"), ("Connection", "keep-alive, Upgrade")], 101),
        (&[("Sec-WebSocket-Version", "8")], 426),
        (&[("Sec-WebSocket-Version", "")], 426),
        (&[("Sec-WebSocket-Key", "")], 400),
        (&[("Sec-WebSocket-Key", "short")], 400),
        (&[("Upgrade", "")], 405),
        (&[("Connection", "")], 405),
        (&[("Upgrade", "h2c")], 405),
        (&[("Connection", "keep-alive")], 405),
    ];
    for (headers, status) in cases {
        let answer = answer(&running, &handshake(headers));
        assert_eq!(answer.status, *status, "{headers:?}: {answer:?}");
        match status {
            101 => {
                assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer:?}");
                assert_eq!(answer.header("callbox-call-meta"), Some("1"), "{answer:?}");
            }
            426 => assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{answer:?}"),
            405 => assert_eq!(answer.header("allow"), Some("POST"), "{answer:?}"),
            _ => {}
        }
        if *status != 101 {
            assert_eq!(answer.json()["error"]["code"], -32600, "{answer:?}");
        }
    }
}

#[test]
fn only_get_with_http_1_1_is_upgraded() {
    let running = start();
    let get = handshake(&[]);
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH"] {
        assert_eq!(answer(&running, &with_method(method, &get)).status, 405, "{method}");
    }
    let old = answer(&running, &get.replacen("HTTP/1.1", "HTTP/1.0", 1));
    assert_eq!(old.status, 405, "{old:?}");
    let body = r#"{"jsonrpc":"2.0","method":"ping","id":1}"#;
    let length = body.len().to_string();
    let post = handshake(&[("Content-Type", "application/json"), ("Content-Length", &length)]);
    let posted = answer(&running, &(with_method("POST", &post) + body));
    assert_eq!((posted.status, posted.json()["result"].as_str()), (200, Some("pong")), "{posted:?}");
    let elsewhere = answer(&running, &get.replacen("/api", "/health/live", 1));
    assert_eq!(elsewhere.status, 200, "another path ignores it: {elsewhere:?}");
}

#[test]
fn host_and_origin_are_checked_by_the_same_lists_as_for_a_call() {
    let running = start_with(|server| server.allowed_origins(["https://shop.example"]));
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[("Origin", "https://shop.example")], 101),
        (&[("Origin", "http://localhost")], 101),
        (&[("Origin", "http://evil.example")], 403),
        (&[("Origin", "http://shop.example")], 403),
        (&[("Origin", "null")], 403),
        (&[("Host", "evil.example")], 421),
        (&[("Host", "localhost.evil.example")], 421),
        (&[("Host", "127.0.0.1:80")], 101),
        (&[("Host", "evil.example"), ("Origin", "http://evil.example")], 421),
    ];
    let body = r#"{"jsonrpc":"2.0","method":"ping","id":1}"#;
    for (headers, status) in cases {
        let upgraded = answer(&running, &handshake(headers));
        assert_eq!(upgraded.status, *status, "{headers:?}: {upgraded:?}");
        let length = body.len().to_string();
        let posted =
            answer(&running, &(head("POST", "/api", &[headers, &[("Content-Length", &*length)][..]].concat()) + body));
        assert_eq!(posted.status == 200, *status == 101, "{headers:?}: {posted:?}");
    }
}

#[test]
fn an_endpoint_of_another_dialect_has_no_websockets() {
    let running = start_with(|server| {
        server
            .add_endpoint("/gem", Dialect::Gemstone)
            .add_endpoint("/old", Dialect::Pymicroservice)
            .add_endpoint("/v2", Dialect::Jsonrpc)
    });
    for (path, status) in [("/api", 101), ("/v2", 101), ("/gem", 405), ("/old", 405), ("/none", 404), ("/api/", 404)] {
        let answer = answer(&running, &handshake(&[]).replacen("/api", path, 1));
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
}

#[test]
fn a_token_comes_with_the_handshake_and_never_in_the_url() {
    let running = start();
    let cases: &[(&[(&str, &str)], bool)] = &[
        (&[("X-Api-Token", "ann")], true),
        (&[("Authorization", "Bearer ann")], true),
        (&[("Sec-WebSocket-Protocol", "callbox, callbox.token.YW5u")], true),
        (&[("Sec-WebSocket-Protocol", "callbox")], false),
        (&[("X-Api-Token", "bob")], false),
        (&[("Sec-WebSocket-Protocol", "callbox, callbox.token.Ym9i")], false),
        (&[], false),
    ];
    for (headers, is_known) in cases {
        let mut connection = Connection::open(running.server.address());
        connection.send(handshake(headers).replacen("/api ", "/api?token=ann&X-Api-Token=ann ", 1));
        let mut socket = WebSocket::accepted(connection);
        let reply = socket.call("secret", json!([]));
        assert_eq!(reply["result"] == 42, *is_known, "{headers:?}: {reply}");
        assert_eq!(reply["error"]["code"] == -32001, !is_known, "{headers:?}: {reply}");
    }
}

#[test]
fn the_subprotocol_is_named_if_it_was_offered_and_a_token_is_never_sent_back() {
    let running = start();
    let offered = [("Sec-WebSocket-Protocol", "chat, callbox, callbox.token.YW5u")];
    let answer = answer(&running, &handshake(&offered));
    assert_eq!(answer.header("sec-websocket-protocol"), Some("callbox"));
    assert!(!format!("{answer:?}").contains("YW5u"), "{answer:?}");
}

#[test]
fn frames_that_come_with_the_handshake_are_read() {
    let running = start();
    let ping = frame(TEXT, r#"{"jsonrpc":"2.0","method":"ping","id":1}"#);
    let mut connection = Connection::open(running.server.address());
    connection.send([handshake(&[]).as_bytes(), &ping, &ping[..9]].concat());
    let mut socket = WebSocket::accepted(connection);
    assert_eq!(socket.message()["result"], "pong");
    socket.connection.send(&ping[9..]);
    assert_eq!(socket.message()["result"], "pong");
    assert_eq!(socket.close(), [] as [serde_json::Value; 0]);
}

#[test]
fn a_websocket_follows_calls_on_the_same_connection() {
    let running = start();
    let mut connection = Connection::open(running.server.address());
    let body = r#"{"jsonrpc":"2.0","method":"ping","id":1}"#;
    for _ in 0..2 {
        connection.send_request("POST", "/api", &[], body);
        assert_eq!(connection.read_response().status, 200);
    }
    connection.send(handshake(&[]));
    let mut socket = WebSocket::accepted(connection);
    assert_eq!(socket.result("ping", json!([])), "pong");
    // What looks like a request is a broken frame now.
    socket.connection.send(head("GET", "/health/live", &[]));
    assert_eq!(socket.close_code().1, End::Code(1002));
}

#[test]
fn a_body_of_a_handshake_is_no_frame() {
    let running = start();
    for (headers, body) in
        [(vec![("Content-Length", "5")], "hello"), (vec![("Transfer-Encoding", "chunked")], "5\r\nhello\r\n0\r\n\r\n")]
    {
        let mut connection = Connection::open(running.server.address());
        connection.send(handshake(&headers) + body);
        let answer = connection.read_response();
        match answer.status {
            // Then all that follows is frames, and this is none.
            101 => assert!(WebSocket::accepted_already(connection).close_code().1 != End::Code(1000)),
            status => assert!((400..500).contains(&status), "{answer:?}"),
        }
    }
}
