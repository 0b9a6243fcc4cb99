//! `GET /openrpc.json`: what each caller gets, and which routes beside it are mistakes.

use actix_web::test::{TestRequest, call_and_read_body, init_service};
use actix_web::{App, HttpResponse, web};
use callbox::testing::{self, TestServer};
use callbox::{Server, service};
use callbox_test_support::http::{Response, request};
use callbox_test_support::names::Names;
use serde_json::{Value, json};

#[derive(Default)]
struct Vault;

#[service(name = "test.vault")]
impl Vault {
    #[public_method]
    fn open(&self) {}

    #[private_api_method]
    fn private(&self) {}

    #[private_api_method(scope = "admin")]
    fn scoped(&self) {}
}

fn vault() -> Server {
    Server::new(Vault::default).tokens(Names)
}

fn get(server: &TestServer, headers: &[(&str, &str)]) -> Response {
    request(server.address(), "GET", "/openrpc.json", headers, "")
}

fn names(document: &Value) -> String {
    let methods = document["methods"].as_array().unwrap_or_else(|| panic!("no methods: {document}"));
    methods.iter().filter_map(|method| method["name"].as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_caller_gets_the_document_of_rpc_discover() {
    let server = testing::start(vault());
    for (token, methods) in [
        ("", "open get_service_specs"),
        ("wrong", "open get_service_specs"),
        ("ann", "open private get_service_specs"),
        ("root", "open private scoped get_service_specs"),
    ] {
        let bearer = format!("Bearer {token}");
        for header in [("X-Api-Token", token), ("Authorization", bearer.as_str())] {
            let answer = get(&server, &[header]);
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
            assert_eq!(names(&answer.json()), methods, "{header:?}");
            let called = server.with_token(token).rpc(&json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 }));
            assert_eq!(answer.json(), called["result"], "{header:?}");
        }
    }
}

#[test]
fn nobody_keeps_what_was_meant_for_another() {
    let answer = get(&testing::start(vault().token_header("X-Key")), &[]);
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(answer.header("vary"), Some("authorization, x-key"));
}

#[test]
fn nothing_is_returned_if_the_caller_cannot_be_identified() {
    let server = testing::start(vault());
    let answer = get(&server, &[("X-Api-Token", "away")]);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(answer.json()["error"]["code"], -32003);
}

#[test]
fn it_is_read_only_and_only_by_those_who_may_call() {
    let server = testing::start(vault());
    type Headers = &'static [(&'static str, &'static str)];
    let cases: [(&str, Headers, u16); 8] = [
        ("POST", &[], 405),
        ("PUT", &[], 405),
        ("DELETE", &[], 405),
        ("OPTIONS", &[], 405),
        ("GET", &[("Host", "evil.net")], 421),
        ("GET", &[("Origin", "http://evil.net")], 403),
        ("GET", &[("Origin", "null")], 403),
        ("GET", &[("Content-Type", "text/html")], 200),
    ];
    for (method, headers, status) in cases {
        let answer = request(server.address(), method, "/openrpc.json", headers, "");
        assert_eq!(answer.status, status, "{method} {headers:?}: {answer:?}");
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
        }
        if status != 200 {
            assert_eq!(answer.json()["error"]["code"], -32600, "{method} {headers:?}");
        }
    }
}

#[test]
fn pages_of_listed_origins_may_read_it() {
    let server = testing::start(vault().allowed_origins(["https://app.example.com"]));
    let origin = ("Origin", "https://app.example.com");
    let answer = get(&server, &[origin]);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
    let before = request(server.address(), "OPTIONS", "/openrpc.json", &[origin], "");
    assert_eq!((before.status, before.header("access-control-allow-methods")), (204, Some("GET, HEAD")));
    let headers = before.header("access-control-allow-headers").unwrap_or_default();
    assert!(headers.contains("x-api-token"), "{headers}");
    assert_eq!(request(server.address(), "PUT", "/openrpc.json", &[], "").header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn its_path_is_a_setting_and_does_not_follow_the_endpoint() {
    let elsewhere = testing::start(vault().endpoint("/rpc/v2"));
    assert_eq!((elsewhere.get("/openrpc.json").status, elsewhere.get("/rpc/openrpc.json").status), (200, 404));
    let renamed = testing::start(vault().openrpc("/docs/schema"));
    assert_eq!((renamed.get("/docs/schema").status, renamed.get("/openrpc.json").status), (200, 404));
    let none = testing::start(vault().openrpc(None));
    assert_eq!(none.get("/openrpc.json").status, 404);
    let called = none.rpc(&json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 }));
    assert_eq!(names(&called["result"]), "open get_service_specs");
}

#[actix_web::test]
async fn it_does_not_hide_what_the_program_has_at_its_path() {
    let files = tempfile::tempdir().expect("a directory");
    std::fs::write(files.path().join("openrpc.json"), "{}").expect("a file");
    let own = |config: &mut web::ServiceConfig| {
        config.service(web::scope("/docs").route("/mine.json", web::get().to(HttpResponse::Ok)));
    };
    for (server, what) in [
        (vault().endpoint("/openrpc.json"), "an endpoint"),
        (vault().add_endpoint("/openrpc.json", callbox::Dialect::Gemstone), "an endpoint"),
        (vault().openrpc("/health/ready"), "a health check"),
        (vault().openrpc("/docs/mine.json").configure(own), "a route of .configure(…)"),
        (vault().static_files("/", files.path()), "the static file"),
        (vault().openrpc("/files/openrpc.json").static_files("/files", files.path()), "the static file"),
    ] {
        let error = server.launch().await.expect_err(what).to_string();
        assert!(error.starts_with("the OpenRPC document is at `/") && error.contains(what), "{error}");
        assert!(error.contains("--openrpc off"), "{error}");
    }
}

#[actix_web::test]
async fn an_endpoint_does_not_hide_what_the_program_or_the_server_has_at_its_path() {
    let files = tempfile::tempdir().expect("a directory");
    std::fs::write(files.path().join("api"), "{}").expect("a file");
    let own = |config: &mut web::ServiceConfig| {
        config.service(web::scope("/docs").route("/calls", web::get().to(HttpResponse::Ok)));
    };
    for (server, what) in [
        (vault().endpoint("/health/live"), "a health check"),
        (vault().add_endpoint("/health/ready", callbox::Dialect::Gemstone), "a health check"),
        (vault().endpoint("/docs/calls").configure(own), "a route of .configure(…)"),
        (vault().static_files("/", files.path()), "the static file"),
    ] {
        let error = server.launch().await.expect_err(what).to_string();
        assert!(error.starts_with("an endpoint is at `/") && error.contains(what), "{error}");
        assert!(error.contains("--endpoint PATH"), "{error}");
    }
}

#[test]
fn it_takes_precedence_over_routes_with_patterns_and_leaves_all_others() {
    let server = vault().static_files("/", env!("CARGO_MANIFEST_DIR")).configure(|config| {
        config.route("/{page}", web::get().to(async || HttpResponse::Ok().body("a page")));
    });
    let server = testing::start(server);
    assert_eq!(names(&get(&server, &[]).json()), "open get_service_specs");
    assert_eq!(server.get("/else").body, "a page");
}

#[actix_web::test]
async fn it_is_there_in_somebody_elses_server_too_and_below_a_scope() {
    let running = vault().launch().await.expect("it starts");
    let app = App::new().configure(running.routes()).service(web::scope("/below").configure(running.routes()));
    let app = init_service(app).await;
    for path in ["/openrpc.json", "/below/openrpc.json"] {
        let request = TestRequest::get().uri(path).insert_header(("host", "localhost")).to_request();
        let document = serde_json::from_slice(&call_and_read_body(&app, request).await).expect("JSON");
        assert_eq!(names(&document), "open get_service_specs", "{path}");
    }
    running.stop().await.unwrap();
}
