//! Several services in one server, and custom pages, files and routes.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, Responder, web};
use callbox::{Dialect, Server, ServiceRef, StopSignal, TemplateError, Templates, service, testing};
use callbox_test_support::http::request;
use serde_json::json;

#[derive(Default)]
struct Shop {
    sold: u64,
}

#[service(name = "test.shop")]
impl Shop {
    #[public_method]
    fn add(&mut self, by: u64) -> u64 {
        self.sold += by;
        self.sold
    }
}

#[derive(Default)]
struct Users {
    names: Vec<String>,
}

#[service(namespace = "users", client = false)]
impl Users {
    #[public_method(message = "AddUser")]
    fn add(&mut self, name: String) -> usize {
        self.names.push(name);
        self.names.len()
    }
}

#[test]
fn two_services_share_a_server_and_both_of_its_endpoints() {
    let app =
        Server::new(Shop::default).service(Users::default).endpoint("/rpc").add_endpoint("/rpc/v0", Dialect::Gemstone);
    let server = testing::start(app);
    let call =
        |method: &str, param: serde_json::Value| json!({"jsonrpc":"2.0","method":method,"params":[param],"id":1});
    assert_eq!(server.rpc(&call("add", json!(5)))["result"], 5);
    assert_eq!(server.rpc(&call("users.add", json!("ann")))["result"], 1);
    assert_eq!(server.rpc(&call("shop.add", json!(5)))["error"]["code"], -32601);
    assert_eq!(server.call(Shop_Add { by: 1 }), Ok(6));
    assert_eq!(server.call(AddUser { name: "bob".to_owned() }), Ok(2), "the typed client knows the namespace");
    let old = request(server.address(), "POST", "/rpc/v0", &[], call("users.add", json!("cleo")).to_string());
    assert_eq!(old.body, r#"{"jsonrpc":"2.0","result":3,"error":null,"id":1}"#);
    let both = server.rpc(&json!([call("users.add", json!("dan")), call("add", json!(1))]));
    assert_eq!((&both[0]["result"], &both[1]["result"]), (&json!(4), &json!(7)), "one batch for both");
    assert_eq!(request(server.address(), "POST", "/api", &[], "{}").status, 404, "the endpoint is elsewhere");
    let specs = server.rpc(&json!({ "jsonrpc": "2.0", "method": "get_service_specs", "id": 1 }));
    assert!(specs["result"]["methods"]["users.add"].is_null() && specs["result"]["name"] == "test.shop", "{specs}");
}

#[test]
fn a_server_tells_its_title_and_its_public_address() {
    let document = |server: &testing::TestServer| -> serde_json::Value {
        serde_json::from_str(&server.get("/openrpc.json").body).unwrap()
    };
    let two = || Server::new(Shop::default).service(Users::default).endpoint("/rpc").console(true);
    let own = testing::start(two());
    let openrpc = document(&own);
    assert_eq!((&openrpc["info"]["title"], &openrpc["servers"]), (&json!("test.shop, Users"), &json!(null)));
    assert!(own.get("/console").body.contains("<strong>test.shop, Users</strong>"));

    let server = testing::start(two().title("Shop & Co").public_url("https://example.org/shop/"));
    let openrpc = document(&server);
    let url = "https://example.org/shop/rpc";
    assert_eq!(openrpc["info"]["title"], "Shop & Co");
    assert_eq!(openrpc["servers"], json!([{ "name": "Shop & Co", "url": url }]));
    let specs = server.rpc(&json!({ "jsonrpc": "2.0", "method": "get_service_specs", "id": 1 }));
    assert_eq!(specs["result"]["accessible_at"], url);
    let console = server.get("/console").body;
    assert!(console.contains("<title>Shop &amp; Co · console</title>"), "{console}");
    assert!(console.contains(&format!("data-public-endpoint=\"{url}\"")), "{console}");
}

async fn sold(shop: ServiceRef<Shop>, pages: Templates) -> Result<impl Responder, TemplateError> {
    let sold = shop.call(Shop_Add { by: 0 }).await.map_or(0, |sold| sold);
    pages.render("sold", &json!({ "sold": sold, "by": "<b>" }))
}

#[test]
fn a_well_known_directory_is_served_under_its_own_url_whatever_is_at_the_root() {
    let site = tempfile::tempdir().unwrap();
    let known = site.path().join(".well-known");
    fs::create_dir_all(known.join("acme-challenge")).unwrap();
    fs::write(known.join("security.txt"), "Contact: mailto:ann@example.org").unwrap();
    fs::write(known.join("acme-challenge/token"), "a proof").unwrap();
    fs::write(known.join(".secret"), "secret").unwrap();
    fs::write(site.path().join("index.html"), "<p>Shop</p>").unwrap();
    let app = Server::new(Shop::default).static_files("/", site.path()).static_files("/.well-known", &known);
    let server = testing::start(app);
    let get = |path: &str| request(server.address(), "GET", path, &[], "");
    assert_eq!(get("/.well-known/security.txt").body, "Contact: mailto:ann@example.org");
    assert_eq!(get("/.well-known/acme-challenge/token").body, "a proof");
    assert_eq!(get("/").body, "<p>Shop</p>");
    for path in ["/.well-known/", "/.well-known", "/.well-known/.secret"] {
        let answer = get(path);
        assert!((400..500).contains(&answer.status) && !answer.body.contains("secret"), "{path}: {answer:?}");
    }
}

#[test]
fn pages_files_and_routes_stand_beside_the_endpoint() {
    let site = tempfile::tempdir().unwrap();
    let (pages, files) = (site.path().join("pages"), site.path().join("files"));
    fs::create_dir_all(&pages).unwrap();
    fs::create_dir_all(files.join("css")).unwrap();
    fs::write(pages.join("sold.hbs"), "<p>{{sold}} sold by {{by}}</p>").unwrap();
    fs::write(files.join("css/style.css"), "p { color: red }").unwrap();
    fs::write(files.join("index.html"), "<p>Shop</p>").unwrap();
    fs::write(files.join(".env"), "secret").unwrap();
    fs::write(site.path().join("outside"), "secret").unwrap();
    let server = Server::new(Shop::default).templates(&pages).static_files("/", &files).configure(|config| {
        config.route("/sold", web::get().to(sold));
        config.service(web::scope("/admin").route("/ping", web::get().to(async || HttpResponse::Ok().body("pong"))));
    });
    let server = testing::start(server);
    assert_eq!(server.call(Shop_Add { by: 7 }), Ok(7));
    for (path, status, body) in [
        ("/sold", 200, "<p>7 sold by &lt;b&gt;</p>"),
        ("/admin/ping", 200, "pong"),
        ("/css/style.css", 200, "p { color: red }"),
        ("/", 200, "<p>Shop</p>"),
    ] {
        let page = server.get(path);
        assert_eq!((page.status, page.body.as_str()), (status, body), "{path}");
    }
    for path in
        ["/.env", "/nothing", "/css", "/css/", "/../outside", "/css/../../outside", "/%2e%2e/outside", "/..%2foutside"]
    {
        let answer = request(server.address(), "GET", path, &[], "");
        assert!((400..500).contains(&answer.status) && !answer.body.contains("secret"), "{path}: {answer:?}");
    }
    assert_eq!(server.get("/api").status, 405, "files at the root do not shadow the endpoint");
}

async fn stream(stop: StopSignal) -> impl Responder {
    assert!(!stop.is_stopping());
    let bye = futures::stream::once(async move {
        stop.wait().await;
        assert!(stop.is_stopping());
        Ok::<_, actix_web::Error>(web::Bytes::from_static(b"bye"))
    });
    HttpResponse::Ok().streaming(bye)
}

#[test]
fn a_stream_of_ones_own_ends_when_the_stop_begins() {
    let route = |config: &mut web::ServiceConfig| {
        config.route("/stream", web::get().to(stream));
    };
    let server = testing::start(Server::new(Shop::default).configure(route));
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    connection.write_all(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut head = [0; 12];
    connection.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let start = Instant::now();
    drop(server);
    let mut rest = String::new();
    connection.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("bye"), "{rest}");
    assert!(start.elapsed() < Duration::from_secs(15), "the drain alone would be 25 s");
}
