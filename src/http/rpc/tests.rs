use std::time::Duration;

use actix_web::App;
use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use callbox_test_cases::rejections::{JSON_CONTENT_TYPES, REJECTED_REQUESTS, RejectedRequest};
use serde_json::Value;

use crate::jsonrpc::{Limits, code};
use crate::router::Router;

use super::super::guard::Cors;
use super::*;

pub(super) const WEBSOCKET: WebSocketLimits = WebSocketLimits {
    calls: 64,
    subscriptions: 1024,
    ping_interval: Duration::from_secs(20),
    ping_timeout: Duration::from_secs(20),
};

pub(super) fn config(status: ErrorStatus, origins: &[&str]) -> (Arc<EndpointConfig>, watch::Sender<bool>) {
    let (stop, stopping) = watch::channel(false);
    let token_header = HeaderName::from_static("x-api-token");
    let cors = Cors { origins, headers: &["traceparent"], any_over_loopback: false };
    let guard = RequestGuard::new(&[], &cors, &token_header).unwrap();
    let body = BodyLimits { bytes: 1000, time: Duration::from_millis(300) };
    let counters = ServerCounters::default();
    let (proxies, logging) = (Arc::default(), RequestLogging::default());
    let config = EndpointConfig {
        guard,
        token_header,
        proxies,
        body,
        websocket: WEBSOCKET,
        status,
        counters,
        logging,
        stopping,
    };
    (Arc::new(config), stop)
}

pub(super) fn answer(body: impl Into<Vec<u8>>) -> RpcResponse {
    RpcResponse { body: Some(body.into()), error: None, retry_after: None }
}

/// Answers as the body asks, or with the length of the body, the token and the timeout.
pub(super) async fn answer_by_body(body: &[u8], meta: RequestMeta<'_>) -> RpcResponse {
    match body {
        b"nothing" => RpcResponse { body: None, error: None, retry_after: None },
        b"busy" => {
            RpcResponse { error: Some(code::BUSY), retry_after: Some(Duration::from_millis(2500)), ..answer("busy") }
        }
        b"denied" => RpcResponse { error: Some(code::ACCESS_DENIED), ..answer("denied") },
        b"panic" => panic!("a secret"),
        other => answer(format!("{} {:?} {:?}", other.len(), meta.token, meta.timeout)),
    }
}

struct ReceivedResponse {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl ReceivedResponse {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Returns the code of a JSON-RPC error whose id is null.
    fn code(&self) -> Option<i64> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        body.get("id").filter(|id| id.is_null()).and_then(|_| body["error"]["code"].as_i64())
    }
}

/// Answers with a function.
#[derive(Clone)]
pub(super) struct Answers<F>(F);

impl<F: AsyncFn(&[u8], RequestMeta<'_>) -> RpcResponse + 'static> BodyHandler for Answers<F> {
    fn handle<'a>(&'a self, body: &'a [u8], meta: RequestMeta<'a>) -> impl Future<Output = RpcResponse> {
        (self.0)(body, meta)
    }
}

pub(super) fn at_api<F>(config: Arc<EndpointConfig>, answer: F) -> Arc<Endpoint<Answers<F>>> {
    Arc::new(Endpoint {
        path: "/api".to_owned(),
        dialect: Dialect::Jsonrpc,
        endpoint_config: config,
        websocket: None,
        handle: Answers(answer),
    })
}

async fn ask(config: &Arc<EndpointConfig>, request: TestRequest) -> ReceivedResponse {
    let app = init_service(App::new().configure(mount(at_api(Arc::clone(config), answer_by_body)))).await;
    let response = call_service(&app, request.uri("/api").to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap();
    ReceivedResponse { status, headers, body }
}

fn post(body: &str) -> TestRequest {
    TestRequest::post()
        .insert_header(("host", "localhost"))
        .insert_header(("content-type", "application/json"))
        .set_payload(body.to_owned())
}

/// Builds the request of a row.
fn with_headers(row: &RejectedRequest) -> TestRequest {
    let method = Method::from_bytes(row.method.as_bytes()).unwrap();
    let needed = [("Host", "localhost"), ("Content-Type", "application/json")];
    let other = |name: &str| row.headers.iter().any(|(key, _)| *key == name);
    let headers = needed.iter().filter(|(name, _)| !other(name)).chain(row.headers);
    let request = TestRequest::default().method(method).set_payload("x".repeat(row.bytes));
    headers.filter(|(_, value)| !value.is_empty()).fold(request, |request, header| request.append_header(*header))
}

#[actix_web::test]
async fn each_rejection_has_its_status_and_an_error_body() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    for row in REJECTED_REQUESTS {
        let seen = ask(&config, with_headers(row)).await;
        let name = row.name;
        assert_eq!(seen.status, row.status, "{name}");
        assert_eq!(seen.code(), Some(-32600), "{name}: {}", seen.body);
        assert_eq!(seen.header("content-type"), Some("application/json"), "{name}");
        assert_eq!(seen.header("allow"), (row.status == 405).then_some("POST"), "{name}");
    }
}

#[actix_web::test]
async fn several_content_types_mean_json() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    for name in JSON_CONTENT_TYPES {
        let seen = ask(&config, post("x").insert_header(("content-type", *name))).await;
        assert_eq!(seen.status, 200, "{name}: {}", seen.body);
    }
    assert_eq!(ask(&config, post("x").insert_header(("content-encoding", "identity"))).await.status, 200);
}

#[actix_web::test]
async fn a_response_is_200_or_204_and_the_handler_gets_token_and_timeout() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let seen = ask(&config, post(&"x".repeat(1000)).insert_header(("x-api-token", "t"))).await;
    assert_eq!((seen.status, seen.body.as_str()), (200, "1000 Some(\"t\") None"));
    let seen = ask(&config, post("").insert_header(("request-timeout", "1.5"))).await;
    assert_eq!((seen.status, seen.body.as_str()), (200, "0 None Some(1.5s)"));
    let seen = ask(&config, post("nothing")).await;
    assert_eq!((seen.status, seen.body.as_str(), seen.header("content-type")), (204, "", None));
    assert_eq!(ask(&config, post("busy")).await.status, 200);
}

#[actix_web::test]
async fn a_query_string_carries_no_token() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let app = init_service(App::new().configure(mount(at_api(config, answer_by_body)))).await;
    let request = post("x").uri("/api?x-api-token=t&token=t&access_token=t").to_request();
    let body = to_bytes(call_service(&app, request).await.into_body()).await.unwrap();
    assert_eq!(body, "1 None None");
}

#[actix_web::test]
async fn a_mapped_status_comes_with_the_headers_that_belong_to_it() {
    let (config, _stop) = config(ErrorStatus::Mapped, &[]);
    let busy = ask(&config, post("busy")).await;
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("3")));
    let denied = ask(&config, post("denied")).await;
    assert_eq!((denied.status, denied.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(ask(&config, post("panic")).await.status, 500);
}

#[actix_web::test]
async fn a_panic_is_answered_without_its_text() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let seen = ask(&config, post("panic")).await;
    assert_eq!((seen.status, seen.code()), (200, Some(-32603)));
    assert!(!seen.body.contains("secret"), "{}", seen.body);
}

#[actix_web::test]
async fn pages_of_listed_origins_get_cors_headers() {
    let (config, _stop) = config(ErrorStatus::Ok, &["https://app.example.com"]);
    let preflight = |origin: &'static str| {
        post("")
            .method(Method::OPTIONS)
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "POST"))
    };
    let seen = ask(&config, preflight("https://app.example.com")).await;
    assert_eq!(seen.status, 204);
    assert_eq!(seen.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(seen.header("access-control-allow-methods"), Some("POST"));
    let allowed = "content-type, authorization, request-timeout, x-api-token, traceparent";
    assert_eq!(seen.header("access-control-allow-headers"), Some(allowed));
    assert_eq!(seen.header("vary"), Some("Origin"));

    let seen = ask(&config, preflight("https://evil.net")).await;
    assert_eq!((seen.status, seen.header("access-control-allow-origin")), (403, None));
    let seen = ask(&config, post("").method(Method::OPTIONS).insert_header(("host", "evil.net"))).await;
    assert_eq!(seen.status, 421);

    for (body, status) in [("x".to_owned(), 200), ("x".repeat(1001), 413)] {
        let seen = ask(&config, post(&body).insert_header(("origin", "https://app.example.com"))).await;
        assert_eq!(seen.status, status);
        assert_eq!(seen.header("access-control-allow-origin"), Some("https://app.example.com"), "{status}");
    }
    let own = ask(&config, post("x").insert_header(("origin", "http://localhost"))).await;
    assert_eq!(
        (own.status, own.header("access-control-allow-origin"), own.header("vary")),
        (200, None, Some("Origin"))
    );
    assert_eq!(ask(&config, post("x").method(Method::PATCH)).await.header("allow"), Some("POST, OPTIONS"));
}

#[actix_web::test]
async fn the_fast_path_takes_only_the_exact_path_and_leaves_the_rest_to_the_routes() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let endpoint = at_api(config, answer_by_body);
    let other = async || HttpResponse::Ok().body("another route");
    let routes = |config: &mut web::ServiceConfig| {
        config.route("/api", web::to(async || HttpResponse::Ok().body("the route"))).default_service(web::to(other));
    };
    let app = init_service(App::new().configure(routes).wrap_fn(fast_path(vec![endpoint]))).await;
    for (uri, expected) in [
        ("/api", "1 None None"),
        ("/api?x=1", "1 None None"),
        ("http://localhost/api", "1 None None"),
        ("/%61pi", "the route"),
        ("/api/", "another route"),
        ("/API", "another route"),
        ("/", "another route"),
    ] {
        let response = call_service(&app, post("x").uri(uri).to_request()).await;
        assert_eq!(to_bytes(response.into_body()).await.unwrap(), expected, "{uri}");
    }
}

/// The box of each request has this future and little else. Beyond 1,032 bytes glibc takes a slower
/// way, which costs a call over HTTP a hundredth of its instructions.
#[test]
fn the_future_of_a_request_is_small() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let dispatch = Dispatch {
        router: Arc::new(Router::new(256)),
        auth: None,
        refused: Arc::default(),
        limits: Limits { members: 100, depth: 127, id: 4096 },
        response_limit: 1000,
        cut: config.stopping.clone(),
    };
    let endpoint = endpoint("/api", Dialect::Jsonrpc, config, Arc::new(dispatch));
    let request = TestRequest::post().to_http_request();
    let size = std::mem::size_of_val(&endpoint.answer(&request, Payload::None));
    assert!(size <= 960, "{size} bytes");
}
