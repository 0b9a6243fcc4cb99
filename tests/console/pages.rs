//! The page and its files: their headers, who may have them, and what else is at their path.

use std::io::Read;

use actix_web::{HttpResponse, web};
use callbox::testing::{self, TestServer};
use callbox::{Dialect, Server};
use callbox_test_support::http::{Connection, Response, head, request};

use crate::service::{open, server, start};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn get(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Response {
    request(server.address(), "GET", path, headers, "")
}

fn has_console(server: Server) -> bool {
    let server = testing::start(server);
    get(&server, "/console", &[]).body.contains("console/main.js")
}

#[test]
fn everything_of_the_console_has_its_headers() {
    let server = start();
    let page = get(&server, "/console", &[]);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("<title>test.kitchen, test.open · console</title>"), "{}", page.body);
    for (path, status, content_type) in [
        ("/console", 200, Some("text/html; charset=utf-8")),
        ("/console/main.js", 200, Some("text/javascript; charset=utf-8")),
        ("/console/icon.svg", 200, Some("image/svg+xml")),
        ("/console/socket", 426, Some("application/json")),
        ("/console/mailboxes", 404, None),
        ("/console/nothing.js", 404, None),
        ("/console/..%2fCargo.toml", 404, None),
    ] {
        let answer = get(&server, path, &[]);
        assert_eq!((answer.status, answer.header("content-type")), (status, content_type), "{path}");
        assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
    }
}

#[test]
fn it_can_only_be_read() {
    let server = start();
    for path in ["/console", "/console/main.js", "/console/socket"] {
        let token = [("X-Api-Token", "hello_world")];
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = request(server.address(), method, path, &token, "");
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method} {path}");
        }
    }
    for path in ["/console", "/console/main.js"] {
        let mut connection = Connection::open(server.address());
        let close = [("Connection", "close"), ("X-Api-Token", "hello_world")];
        connection.send(head("HEAD", path, &close));
        let mut answer = String::new();
        connection.0.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
    let slash = get(&server, "/console/", &[]);
    assert_eq!((slash.status, slash.header("location")), (308, Some("../console")));
}

#[test]
fn every_file_that_the_page_and_its_scripts_name_is_there() {
    let server = start();
    let (mut open, mut seen) = (vec!["/console".to_owned()], 0);
    let mut known = std::collections::HashSet::new();
    while let Some(path) = open.pop() {
        let answer = get(&server, &path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        seen += 1;
        let quoted = answer.body.split('"').skip(1).step_by(2);
        let files = quoted.filter_map(|text| text.strip_prefix("console/").or_else(|| text.strip_prefix("./")));
        for file in files.filter(|file| file.contains('.') && !file.contains('/')) {
            let path = format!("/console/{file}");
            if known.insert(path.clone()) {
                open.push(path);
            }
        }
    }
    assert!(seen > 15, "{known:?}");
}

#[test]
fn other_hosts_and_other_sites_get_nothing() {
    let server = start();
    for path in ["/console", "/console/main.js", "/console/socket"] {
        for (header, status) in
            [(("Host", "rebound.evil.net"), 421), (("Origin", "https://evil.net"), 403), (("Origin", "null"), 403)]
        {
            let answer = get(&server, path, &[header, ("X-Api-Token", "hello_world")]);
            assert_eq!(answer.status, status, "{path} {header:?}");
            assert!(!answer.body.contains("kitchen"), "{answer:?}");
            assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{path}");
        }
    }
}

#[test]
fn a_service_that_has_markup_in_its_settings_cannot_put_it_into_the_page() {
    let server = testing::start(server().endpoint("/a-b").token_header("X-!'&"));
    let page = get(&server, "/console", &[]);
    assert!(page.body.contains(r#"data-token-header="X-!&#x27;&amp;""#), "{}", page.body);
    assert!(page.body.contains(r#"data-endpoint="/a-b""#) && page.body.contains(r#"data-checks-tokens="true""#));
}

#[test]
fn it_is_there_unless_it_is_switched_off_and_elsewhere_only_if_it_is_switched_on() {
    assert!(has_console(open()));
    assert!(has_console(open().console(true)));
    assert!(!has_console(open().console(false)));
}

/// An embedded server may listen on any address, so the console is off there unless it was asked
/// for.
#[actix_web::test]
async fn in_an_app_of_ones_own_it_is_there_only_if_it_is_switched_on() {
    for (server, status) in [(open(), 404), (open().console(true), 200)] {
        let running = server.launch().await.unwrap();
        let app = actix_web::App::new().service(web::scope("/below").configure(running.routes()));
        let app = actix_web::test::init_service(app).await;
        let request = actix_web::test::TestRequest::get().uri("/below/console").insert_header(("host", "localhost"));
        let answer = actix_web::test::call_service(&app, request.to_request()).await;
        assert_eq!(answer.status().as_u16(), status);
        running.stop().await.unwrap();
    }
}

#[test]
fn by_default_it_gives_way_to_whatever_the_program_has_at_its_path() {
    let page = || web::get().to(async || HttpResponse::Ok().body("mine"));
    let files = tempfile::tempdir().unwrap();
    std::fs::create_dir(files.path().join("console")).unwrap();
    std::fs::write(files.path().join("console/index.html"), "mine").unwrap();
    let taken: [(&str, Server); 5] = [
        (
            "a route",
            open().configure(move |config| {
                config.route("/console", page());
            }),
        ),
        (
            "a scope",
            open().configure(move |config| {
                config.service(web::scope("/console").route("/main.js", page()));
            }),
        ),
        (
            "a pattern",
            open().configure(move |config| {
                config.route("/{page}", page());
            }),
        ),
        ("an endpoint", open().add_endpoint("/console", Dialect::Gemstone)),
        ("files", open().static_files("/", files.path())),
    ];
    for (what, server) in taken {
        assert!(!has_console(server), "{what}");
    }
}

#[actix_web::test]
async fn one_that_was_asked_for_stops_the_start_where_its_path_is_taken() {
    let server = open().console(true).configure(|config| {
        config.route("/console", web::get().to(async || HttpResponse::Ok().body("mine")));
    });
    let error = server.launch().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the console cannot be at `/console`: the program has a route or a file there: move it to another path, or use --console off"
    );
}
