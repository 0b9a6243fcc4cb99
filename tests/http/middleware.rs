//! Middleware of the program around everything that the server answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorForbidden, ErrorImATeapot, ErrorInternalServerError, ErrorServiceUnavailable};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{DefaultHeaders, Next};
use actix_web::{Error, HttpResponse, web};
use callbox::{Dialect, Server, service, testing};
use callbox_test_support::http::{Connection, request};
use callbox_test_support::wait::until;
use serde_json::json;

#[derive(Default)]
struct Counter {
    count: u64,
}

#[service(name = "test.counter")]
impl Counter {
    #[public_method]
    fn add(&mut self, by: u64) -> u64 {
        self.count += by;
        self.count
    }

    #[public_method]
    async fn wait(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
    }
}

const ADD: &str = r#"{"jsonrpc":"2.0","method":"add","params":[1],"id":1}"#;

fn counter() -> Server {
    Server::new(Counter::default)
}

async fn mark(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
    let mut response = next.call(request).await?;
    response.headers_mut().append(HeaderName::from_static("x-order"), HeaderValue::from_static("inner"));
    Ok(response)
}

/// Rejects what has no header `X-Key`, in the way that the header `X-Want` asks for.
async fn check_key(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
    if request.headers().contains_key("x-key") {
        return next.call(request).await;
    }
    Err(match request.headers().get("x-want").map(HeaderValue::as_bytes) {
        Some(b"503") => ErrorServiceUnavailable("later"),
        Some(b"500") => ErrorInternalServerError("a secret"),
        Some(b"418") => ErrorImATeapot("tea"),
        _ => ErrorForbidden("no key"),
    })
}

#[test]
fn a_middleware_adds_headers_to_everything_that_the_server_answers_and_the_last_one_is_the_outermost() {
    let outer = || DefaultHeaders::new().add(("x-outer", "yes"));
    let server = counter().add_endpoint("/old", Dialect::Gemstone).configure(|config| {
        config.route("/own", web::get().to(async || HttpResponse::Ok().body("own")));
    });
    let server = testing::start(server.console(true).wrap_fn(mark).wrap(outer));
    for (method, path, status) in [
        ("POST", "/api", 200),
        ("POST", "/%61pi", 200),
        ("POST", "/old", 200),
        ("GET", "/openrpc.json", 200),
        ("GET", "/health/live", 200),
        ("GET", "/console", 200),
        ("GET", "/own", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/api", 405),
    ] {
        let response = request(server.address(), method, path, &[], if method == "POST" { ADD } else { "" });
        let seen = (response.status, response.header("x-order"), response.header("x-outer"));
        assert_eq!(seen, (status, Some("inner"), Some("yes")), "{method} {path}: {response:?}");
    }
    let order = |name: &'static str| {
        move |request: ServiceRequest, next: Next<BoxBody>| async move {
            let mut response = next.call(request).await?;
            response.headers_mut().append(HeaderName::from_static("x-order"), HeaderValue::from_static(name));
            Ok::<_, Error>(response)
        }
    };
    let server = testing::start(counter().wrap_fn(order("first")).wrap_fn(order("second")));
    let headers = server.post(ADD).headers;
    let seen: Vec<_> = headers.iter().filter(|(name, _)| name == "x-order").map(|(_, value)| value.as_str()).collect();
    assert_eq!(seen, ["first", "second"]);
}

#[test]
fn the_error_of_a_middleware_is_a_json_rpc_error_at_an_endpoint_and_its_own_response_elsewhere() {
    let server = testing::start(counter().add_endpoint("/old", Dialect::Gemstone).wrap_fn(check_key));
    let ask = |path: &str, want: &str| request(server.address(), "POST", path, &[("X-Want", want)], ADD);
    for (want, status, code, reason) in [
        ("403", 403, -32001, Some("no key")),
        ("503", 503, -32003, Some("later")),
        ("418", 418, -32600, Some("tea")),
        ("500", 500, -32603, None),
    ] {
        let response = ask("/api", want);
        let error = &response.json()["error"];
        assert_eq!((response.status, &error["code"]), (status, &json!(code)), "{response:?}");
        assert_eq!(error["data"]["reason"].as_str(), reason, "{response:?}");
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert!(!response.body.contains("secret"), "{response:?}");
    }
    let old = ask("/old", "403").json();
    assert!(old.get("result").is_some_and(serde_json::Value::is_null), "in the dialect of the endpoint: {old}");
    let elsewhere = ask("/health/live", "403");
    assert_eq!((elsewhere.status, elsewhere.body.as_str()), (403, "no key"));
}

#[test]
fn a_rejected_request_whose_body_nobody_has_read_ends_its_connection_after_the_response() {
    let server = testing::start(counter().wrap_fn(check_key));
    let mut connection = Connection::open(server.address());
    connection.send_request("POST", "/api", &[], "x".repeat(200));
    let rejected = connection.read_response();
    assert_eq!((rejected.status, rejected.header("connection")), (403, Some("close")));
    connection.assert_closed();
    let admitted = request(server.address(), "POST", "/api", &[("X-Key", "1")], ADD);
    assert_eq!(admitted.json()["result"], 1);
}

#[test]
fn a_middleware_measures_calls_and_sees_their_end_also_while_the_server_drains() {
    let (began, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (begins, ends) = (Arc::clone(&began), Arc::clone(&ended));
    let measure = move |request: ServiceRequest, next: Next<BoxBody>| {
        let (began, ended) = (Arc::clone(&begins), Arc::clone(&ends));
        async move {
            let start = Instant::now();
            began.fetch_add(1, Ordering::SeqCst);
            let mut response = next.call(request).await?;
            ended.fetch_add(1, Ordering::SeqCst);
            let took = HeaderValue::from(start.elapsed().as_millis() as u64);
            response.headers_mut().insert(HeaderName::from_static("x-took"), took);
            Ok::<_, Error>(response)
        }
    };
    let server = testing::start(counter().wrap_fn(measure));
    let address = server.address();
    let call = std::thread::spawn(move || {
        let body = r#"{"jsonrpc":"2.0","method":"wait","params":[400],"id":1}"#;
        request(address, "POST", "/api", &[], body)
    });
    until("the call is under way", || server.stats()[0].methods.iter().any(|method| method.running == 1));
    assert_eq!(began.load(Ordering::SeqCst), 1);
    drop(server);
    let response = call.join().unwrap();
    assert_eq!((response.status, &response.json()["result"]), (200, &json!(400)));
    let took: u64 = response.header("x-took").unwrap().parse().unwrap();
    assert!(took >= 390, "{took}");
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}
