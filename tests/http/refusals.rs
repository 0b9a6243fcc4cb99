//! Requests that are rejected before dispatch.

use std::time::Duration;

use callbox_test_cases::rejections::{JSON_CONTENT_TYPES, REJECTED_REQUESTS, RejectedRequest};
use callbox_test_support::http::{Connection, Response, head, request};
use serde_json::json;

use crate::service::{Running, call, result, start, start_with};

fn assert_refused(name: &str, answer: &Response, status: u16) {
    assert_eq!(answer.status, status, "{name}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
    assert_eq!(answer.header("allow"), (status == 405).then_some("POST"), "{name}");
    let body = answer.json();
    assert_eq!((&body["error"]["code"], &body["id"]), (&json!(-32600), &json!(null)), "{name}: {body}");
    assert!(body["error"]["data"]["reason"].as_str().is_some_and(|reason| reason.contains(' ')), "{name}: {body}");
}

#[test]
fn a_refusal_says_the_limit_and_what_came() {
    let running = start_with(|server| server.body_limit(1000).body_timeout(Duration::from_millis(200)));
    let reason = |answer: Response| answer.json()["error"]["data"]["reason"].as_str().unwrap_or_default().to_owned();
    let long = format!("text/{}", "x".repeat(500));
    for (headers, body, expected) in [
        (&[][..], "x".repeat(1001), "the body may have at most 1000 bytes, got 1001"),
        (
            &[("Content-Type", "application/json; charset=latin1")],
            String::new(),
            "the body must be `Content-Type: application/json`, in UTF-8, got `application/json; charset=latin1`",
        ),
        (
            &[("Content-Type", "")],
            String::new(),
            "the body must be `Content-Type: application/json`, in UTF-8, got none",
        ),
        (&[("Content-Encoding", "gzip")], String::new(), "the body must come without a `Content-Encoding`, got `gzip`"),
    ] {
        assert_eq!(reason(request(running.server.address(), "POST", "/api", headers, body)), expected);
    }
    assert!(reason(post(&running, &[("Content-Type", &long)])).len() < 200);
    let mut connection = Connection::open(running.server.address());
    connection.send(head("POST", "/api", &[("Content-Length", "10")]) + "half");
    assert_eq!(reason(connection.read_response()), "the body did not arrive within 200ms");
}

#[test]
fn a_response_is_sent_as_it_is_whatever_the_client_could_decompress() {
    let running = start();
    let plain = post(&running, &[]);
    for accepted in ["gzip", "gzip, deflate, br, zstd", "*", "gzip;q=1.0, identity;q=0.5"] {
        let answer = post(&running, &[("Accept-Encoding", accepted)]);
        assert_eq!((answer.status, &answer.body), (200, &plain.body), "{accepted}");
        assert_eq!(answer.header("Content-Encoding"), None, "{accepted}");
    }
}

fn post(running: &Running, headers: &[(&str, &str)]) -> Response {
    request(running.server.address(), "POST", "/api", headers, call("written", "[]"))
}

#[test]
fn each_rejection_has_its_status_and_an_error_body_and_the_server_still_answers() {
    let running = start_with(|server| server.body_limit(1000));
    let good = call("written", "[]");
    for RejectedRequest { name, method, headers, bytes, status } in REJECTED_REQUESTS {
        let body = format!("{good}{}", " ".repeat(bytes - good.len()));
        assert_refused(name, &request(running.server.address(), method, "/api", headers, body), *status);
        assert_eq!(running.server.post(&good).body, result("[]"), "after {name}");
    }
}

#[test]
fn json_has_several_names() {
    let running = start();
    for name in JSON_CONTENT_TYPES {
        let answer = post(&running, &[("Content-Type", name)]);
        assert_eq!((answer.status, answer.body.as_str()), (200, &*result("[]")), "{name}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
    }
    assert_eq!(post(&running, &[("Content-Encoding", "Identity")]).status, 200);
}

#[test]
fn on_loopback_only_its_names_are_hosts_unless_others_are_set() {
    let running = start();
    let port = running.server.address().port();
    let cases = [
        ("localhost", 200),
        ("LOCALHOST", 200),
        (&*format!("localhost:{port}"), 200),
        (&*format!("127.0.0.1:{port}"), 200),
        ("[::1]", 200),
        ("", 400),
        ("evil.net", 421),
        ("localhost.evil.net", 421),
        ("127.0.0.1.evil.net", 421),
        ("evil.net:80", 421),
    ];
    for (host, status) in cases {
        // Without a host it is no HTTP/1.1, and either refusal will do.
        let answer = post(&running, &[("Host", host)]);
        assert!(answer.status == status || (host.is_empty() && answer.status == 421), "{host:?}: {answer:?}");
    }
    let running = start_with(|server| server.allowed_hosts(["example.com"]));
    for (host, status) in [("example.com", 200), ("example.com:8080", 200), ("localhost", 421), ("a.example.com", 421)]
    {
        assert_eq!(post(&running, &[("Host", host)]).status, status, "{host}");
    }
}

#[test]
fn pages_of_the_same_origin_and_of_listed_ones_may_call() {
    let page = "https://app.example.com";
    let running = start_with(|server| server.allowed_origins([page]));
    let own = format!("http://localhost:{}", running.server.address().port());
    let host = own.trim_start_matches("http://").to_owned();
    for (origin, status, allowed) in [
        (page, 200, Some(page)),
        (&*own, 200, None),
        (&*own.replace("http:", "https:"), 403, None),
        (&*own.replace("http:", "ftp:"), 403, None),
        ("https://app.example.com.evil.net", 403, None),
        ("http://app.example.com", 403, None),
    ] {
        let answer = post(&running, &[("Host", &host), ("Origin", origin)]);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, allowed), "{origin}");
        let asks_first = [("Host", &*host), ("Origin", origin), ("Access-Control-Request-Method", "POST")];
        let answer = request(running.server.address(), "OPTIONS", "/api", &asks_first, "");
        let status = if status == 200 { 204 } else { 403 };
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, allowed), "{origin}");
    }
    assert_eq!(request(running.server.address(), "GET", "/api", &[], "").header("allow"), Some("POST, OPTIONS"));
}

#[test]
fn pages_may_send_the_headers_that_are_set_and_by_default_those_of_tracing() {
    let page = "https://app.example.com";
    let allowed = |running: &Running| {
        let asks_first = [("Origin", page), ("Access-Control-Request-Method", "POST")];
        let answer = request(running.server.address(), "OPTIONS", "/api", &asks_first, "");
        answer.header("access-control-allow-headers").unwrap_or_default().to_owned()
    };
    let own = "content-type, authorization, request-timeout, x-api-token";
    let tracing = format!("{own}, traceparent, tracestate, baggage, x-request-id");
    assert_eq!(allowed(&start_with(|server| server.allowed_origins([page]))), tracing);
    let set =
        |names: &'static [&str]| start_with(move |server| server.allowed_origins([page]).cors_headers(names.to_vec()));
    assert_eq!(allowed(&set(&["x-client", "x-version"])), format!("{own}, x-client, x-version"));
    assert_eq!(allowed(&set(&[])), own);
}

#[test]
fn a_slash_behind_the_endpoint_is_an_error_that_names_it() {
    let running = start_with(|server| server.add_endpoint("/rpc/v0", callbox::Dialect::Gemstone));
    for (path, method, endpoint) in
        [("/api/", "POST", "/api"), ("/api/", "GET", "/api"), ("/rpc/v0/", "POST", "/rpc/v0")]
    {
        let answer = request(running.server.address(), method, path, &[], call("written", "[]"));
        let reason = format!("the path of the endpoint is `{endpoint}`, without a slash at its end");
        assert_refused(path, &answer, 404);
        assert_eq!(answer.json()["error"]["data"]["reason"], reason, "{path}");
    }
    for path in ["/ap/", "/api//", "/api/x"] {
        assert_eq!(request(running.server.address(), "POST", path, &[], "").body, "", "{path}");
    }
}

#[test]
fn a_route_or_a_directory_of_the_programs_own_may_be_at_the_endpoint_with_a_slash() {
    use actix_web::{HttpResponse, web};

    let route = |config: &mut web::ServiceConfig| {
        config.route("/api/", web::to(|| async { HttpResponse::Ok().body("mine") }));
    };
    let running = start_with(move |server| server.configure(route));
    assert_eq!(request(running.server.address(), "POST", "/api/", &[], "").body, "mine");
    let files = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(files.path().join("api")).expect("a directory");
    std::fs::write(files.path().join("api/index.html"), "a page").expect("a page");
    let root = files.path().to_str().expect("a path").to_owned();
    let running = start_with(move |server| server.static_files("/", root));
    assert_eq!(request(running.server.address(), "GET", "/api/", &[], "").body, "a page");
    assert_eq!(running.server.post(call("written", "[]")).body, result("[]"));
}

struct Closed;

#[callbox::service]
impl Closed {
    #[private_api_method]
    fn seal(&self) {}
}

#[test]
fn any_page_may_call_a_server_on_loopback_only_if_every_method_is_private() {
    let checked = || callbox::Server::new(|| Closed).tokens(|_: &str| false).allowed_origins(["*"]);
    let server = callbox::testing::start(checked());
    let from = |origin| request(server.address(), "POST", "/api", &[("Origin", origin)], call("seal", "[]"));
    for origin in ["https://evil.net", "null"] {
        let answer = from(origin);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")), "{origin}");
        assert!(answer.body.contains("-32001"), "{answer:?}");
    }
}

#[test]
fn a_body_in_chunks_is_read_up_to_the_limit() {
    let running = start_with(|server| server.body_limit(1000));
    let chunked = |body: &str, of: usize| {
        let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        let mut connection = Connection::open(running.server.address());
        connection.send(head("POST", "/api", &[("Transfer-Encoding", "chunked")]));
        for piece in body.as_bytes().chunks(of) {
            connection.send(chunk(piece));
        }
        connection.send("0\r\n\r\n");
        connection.read_response()
    };
    assert_eq!(chunked(&call("written", "[]"), 7).body, result("[]"));
    let padded = call("written", "[]") + &" ".repeat(1000);
    assert_eq!(chunked(&padded[..1000], 90).body, result("[]"), "as large as it may be");
    assert_refused("one byte more", &chunked(&padded[..1001], 90), 413);
    assert_refused("one chunk over the limit", &chunked(&padded, 5000), 413);
}

#[test]
fn a_body_that_stalls_is_answered_408_and_its_connection_closed() {
    let running = start_with(|server| server.body_timeout(Duration::from_millis(200)));
    let rests = [(("Content-Length", "10"), "abc"), (("Transfer-Encoding", "chunked"), "3\r\nabc\r\n")];
    for (header, begin) in rests {
        let mut connection = Connection::open(running.server.address());
        connection.send(head("POST", "/api", &[header]) + begin);
        let answer = connection.read_response();
        assert_refused(header.0, &answer, 408);
        assert_eq!(answer.header("connection"), Some("close"), "{header:?}");
        connection.assert_closed();
    }
    assert_eq!(running.server.post(call("written", "[]")).body, result("[]"));
}

#[test]
fn what_can_only_be_read_is_read_by_get_and_head_and_says_so_to_others() {
    let running = start();
    let address = running.server.address();
    for path in ["/health/live", "/health/ready", "/openrpc.json"] {
        let mut connection = Connection::open(address);
        connection.send(head("HEAD", path, &[]));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let mut byte = [0];
            std::io::Read::read_exact(&mut connection.0, &mut byte).expect("a head");
            head.push(char::from(byte[0]));
        }
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-length: "), "{path}: {head}");
        // There is no body before the next answer.
        connection.send_request("GET", path, &[], "");
        assert_eq!(connection.read_response().status, 200, "{path}");
        for method in ["POST", "OPTIONS", "DELETE"] {
            let answer = request(address, method, path, &[], "");
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some("GET, HEAD")),
                "{method} {path}: {answer:?}"
            );
        }
    }
}
