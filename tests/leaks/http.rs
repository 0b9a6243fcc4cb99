//! What HTTP answers besides calls: refusals, pages, files, health, and bytes that are no HTTP.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use actix_web::{HttpResponse, Responder, web};
use callbox::testing::TestServer;
use callbox::{InternalError, RpcError, Server, ServiceRef, TemplateError, Templates, service, testing};
use serde_json::json;

use crate::assert_reveals_nothing;

struct Shop;

#[service(name = "test.shop")]
impl Shop {
    #[public_method]
    fn sell(&self) -> Result<u8, InternalError> {
        Err(InternalError::new("inner text of a failure"))
    }

    #[public_method]
    fn panics(&self) -> u8 {
        panic!("inner text of a panic")
    }
}

/// Not in any server.
struct InnerOther;

#[service(name = "test.other")]
impl InnerOther {
    #[public_method(message = "PingOther")]
    fn ping(&self) {}
}

async fn page(pages: Templates, name: web::Path<String>) -> Result<impl Responder, TemplateError> {
    pages.render(&name, &json!({ "there": 1 }))
}

async fn call(shop: ServiceRef<Shop>) -> Result<impl Responder, RpcError> {
    Ok(HttpResponse::Ok().body(shop.call(Shop_Sell {}).await?.to_string()))
}

async fn call_that_panics(shop: ServiceRef<Shop>) -> Result<impl Responder, RpcError> {
    Ok(HttpResponse::Ok().body(shop.call(Shop_Panics {}).await?.to_string()))
}

async fn other(_: ServiceRef<InnerOther>) -> impl Responder {
    HttpResponse::Ok().finish()
}

fn shop(watch: bool) -> (tempfile::TempDir, TestServer) {
    let site = tempfile::Builder::new().prefix("inner").tempdir().unwrap();
    let (pages, files) = (site.path().join("inner-pages"), site.path().join("inner-files"));
    fs::create_dir_all(files.join("css")).unwrap();
    fs::create_dir_all(&pages).unwrap();
    fs::write(pages.join("lacks.hbs"), "{{inner_name_that_is_not_there}}").unwrap();
    fs::write(files.join("css/style.css"), "p {}").unwrap();
    fs::write(site.path().join("inner-secret"), "inner secret").unwrap();
    std::os::unix::fs::symlink(site.path().join("inner-secret"), files.join("link")).unwrap();
    let server = Server::new(|| Shop).templates(&pages).watch_templates(watch).static_files("/static", &files);
    let server = server.body_limit(1000).configure(|config| {
        config.route("/pages/{name}", web::get().to(page));
        config.route("/call", web::get().to(call));
        config.route("/panic", web::get().to(call_that_panics));
        config.route("/other", web::get().to(other));
    });
    (site, testing::start(server))
}

/// All that a server sends until it closes the connection.
fn sent(address: SocketAddr, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).expect("the server listens");
    connection.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    // A reset is an end like any other, also before all is sent.
    let _ = connection.write_all(bytes);
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(server: &TestServer, path: &str) -> String {
    sent(server.address(), format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
}

#[test]
fn pages_files_and_routes_that_fail_tell_nothing() {
    let (_site, server) = shop(false);
    let long = format!("/static/{}", "a".repeat(300));
    let deep = format!("/static{}", "/a".repeat(2000));
    for (path, statuses) in [
        ("/pages/lacks", [500, 500]),
        ("/pages/none", [500, 500]),
        ("/call", [500, 500]),
        ("/panic", [500, 500]),
        ("/other", [500, 500]),
        ("/nowhere", [404, 404]),
        ("/api/nowhere", [404, 404]),
        ("/static/none", [404, 404]),
        ("/static/css", [404, 404]),
        ("/static/link", [404, 404]),
        ("/static/css/style.css/more", [404, 404]),
        ("/static/%00", [400, 404]),
        ("/static/%ff", [400, 404]),
        ("/static/../inner-secret", [400, 404]),
        ("/static/%2e%2e%2finner-secret", [400, 404]),
        (&long, [404, 404]),
        (&deep, [404, 404]),
        ("/%", [400, 404]),
        ("/pages/%ff", [404, 500]),
    ] {
        let answer = get(&server, path);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        assert!(statuses.map(Some).contains(&status), "{path}: {answer}");
        assert_reveals_nothing(path, &answer);
    }
    assert!(get(&server, "/static/css/style.css").ends_with("p {}"), "and the good ones are there");
}

#[test]
fn only_watched_templates_show_their_mistakes() {
    let (_site, server) = shop(true);
    let shown = get(&server, "/pages/lacks");
    assert!(shown.contains("inner_name_that_is_not_there"), "whoever writes templates asked for it: {shown}");
}

#[test]
fn bytes_that_are_no_good_http_tell_nothing() {
    let (_site, server) = shop(false);
    let head = "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let many = (0..200).map(|n| format!("X-{n}: x\r\n")).collect::<String>();
    let long = format!("X-Long: {}\r\n", "x".repeat(200_000));
    for (name, bytes) in [
        ("nonsense", "NONSENSE\r\n\r\n".to_owned()),
        ("another version", "GET / HTTP/3.7\r\n\r\n".to_owned()),
        ("no host", "GET /api HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned()),
        ("two hosts", "GET /api HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".to_owned()),
        ("a bad length", format!("{head}Content-Length: x\r\n\r\n")),
        ("two lengths", format!("{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n11")),
        ("a negative length", format!("{head}Content-Length: -1\r\n\r\n")),
        ("a length and chunks", format!("{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("a bad chunk", format!("{head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n{{}}\r\n0\r\n\r\n")),
        ("a chunk that is too long", format!("{head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n")),
        ("another encoding", format!("{head}Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n")),
        ("a bad name of a header", format!("{head}Na me: x\r\n\r\n")),
        ("many headers", format!("{head}{many}Content-Length: 2\r\n\r\n{{}}")),
        ("a long header", format!("{head}{long}Content-Length: 2\r\n\r\n{{}}")),
        ("a long path", format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(100_000))),
        ("an upgrade", format!("{head}Upgrade: h2c\r\nContent-Length: 2\r\n\r\n{{}}")),
        ("CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned()),
        ("too large", format!("{head}Content-Length: 5000\r\n\r\n")),
        ("another host", format!("{head}Origin: http://evil.net\r\nContent-Length: 2\r\n\r\n{{}}")),
        ("another type", "POST /api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned()),
        ("no JSON", format!("{head}Content-Length: 2\r\n\r\n{{x")),
    ] {
        assert_reveals_nothing(name, &sent(server.address(), bytes.as_bytes()));
    }
    let ready = get(&server, "/health/ready");
    assert!(ready.starts_with("HTTP/1.1 200"), "and the server goes on: {ready}");
}
