//! The examples do what they say: each is run, what its documentation shows is tried, and the answers are those shown.

// Each example is a program: its `main` has no use here.
#[allow(dead_code, unreachable_pub)]
#[path = "../examples/client.rs"]
mod client;
#[allow(dead_code, unreachable_pub)]
#[path = "../examples/compute/main.rs"]
mod compute;
#[path = "examples/documented.rs"]
mod documented;
#[allow(dead_code, unreachable_pub)]
#[path = "../examples/embedded.rs"]
mod embedded;
#[allow(dead_code, unreachable_pub)]
#[path = "../examples/entity/main.rs"]
mod entity;
#[allow(dead_code, unreachable_pub)]
#[path = "../examples/my_service.rs"]
mod my_service;
#[allow(dead_code, unreachable_pub)]
#[path = "../examples/storage/main.rs"]
mod storage;
#[allow(dead_code, unreachable_pub)]
#[path = "../examples/web_pages/main.rs"]
mod web_pages;
#[allow(dead_code, unreachable_pub)]
#[path = "../examples/without_macro.rs"]
mod without_macro;

use std::fs;

use actix_web::App;
use actix_web::test::{TestRequest, call_and_read_body, call_service, init_service};
use callbox::{Server, testing};
use serde_json::{Value, json};

use documented::commands;

/// Where the examples are run.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// An example that is a server by itself.
struct Example {
    name: &'static str,
    app: fn() -> Server,
    source: &'static str,
}

const EXAMPLES: [Example; 6] = [
    Example { name: "compute", app: compute::app, source: include_str!("../examples/compute/main.rs") },
    Example { name: "entity", app: entity::app, source: include_str!("../examples/entity/main.rs") },
    Example { name: "my_service", app: my_service::app, source: include_str!("../examples/my_service.rs") },
    Example { name: "storage", app: storage::app, source: include_str!("../examples/storage/main.rs") },
    Example { name: "web_pages", app: web_pages::app, source: include_str!("../examples/web_pages/main.rs") },
    Example { name: "without_macro", app: without_macro::app, source: include_str!("../examples/without_macro.rs") },
];

#[test]
fn what_the_documentation_of_an_example_shows_is_answered_as_it_shows() {
    for Example { name, app, source } in EXAMPLES {
        let server = testing::start(app().assets(CHECKOUT));
        let commands = commands(source);
        assert!(commands.len() >= 2, "{name} shows {} calls", commands.len());
        for command in commands {
            assert!(command.url.ends_with(":5000/api"), "{command:?} of {name}");
            let body = command.body.as_deref().unwrap_or_default();
            let answer = match &command.token {
                Some(token) => server.with_token(token).post(body),
                None => server.post(body),
            };
            assert_eq!(answer.body, command.answer, "{command:?} of {name}");
        }
    }
}

#[test]
fn every_example_is_tried_and_says_how_to_run_it() {
    let directory = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples")).expect("the examples");
    let files = directory.map(|entry| entry.expect("an example").path());
    let mut found: Vec<_> = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    found.sort();
    let mut tried = EXAMPLES.map(|example| (example.name, example.source)).to_vec();
    tried.push(("client", include_str!("../examples/client.rs")));
    tried.push(("embedded", include_str!("../examples/embedded.rs")));
    tried.sort_unstable();
    assert_eq!(found, tried.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, source) in tried {
        let run = format!("--example {name}`");
        assert!(
            source.lines().any(|line| line.starts_with("//! Run with `cargo run") && line.contains(&run)),
            "{name}"
        );
    }
}

#[test]
fn the_service_without_the_macro_answers_as_the_one_with_it() {
    let [with, without] = [my_service::app, without_macro::app].map(|app| testing::start(app()));
    let specs = |server: &testing::TestServer| {
        let mut specs = server.rpc(&json!({ "jsonrpc": "2.0", "method": "get_service_specs", "id": 0 }));
        for differs in ["port", "accessible_at"] {
            assert!(!specs["result"][differs].take().is_null(), "{differs}");
        }
        specs
    };
    assert_eq!(specs(&with), specs(&without));

    let call = |method, params: &Value| json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 });
    for method in ["say_hello", "say_private_hello", "store", "retrieve"] {
        for params in [
            json!({ "name": "Ada" }),
            json!({ "key": "a", "value": "1" }),
            json!(["a", "2"]),
            json!({ "key": "a" }),
            json!(["a"]),
            json!([]),
            json!([1]),
            json!({ "key": "a", "value": "1", "more": 2 }),
        ] {
            let call = call(method, &params);
            assert_eq!(with.rpc(&call), without.rpc(&call), "{call}");
            let [with, without] = [&with, &without].map(|server| server.with_token("hello_world").rpc(&call));
            assert_eq!(with, without, "{call}");
        }
    }
}

#[actix_web::test]
async fn a_message_of_the_service_without_the_macro_can_be_sent_to_its_actor() {
    let running = without_macro::app().launch().await.unwrap();
    let service = running.service::<without_macro::MyService>().unwrap();
    let actor = service.addr().expect("a service that is up has an actor");
    let hello = actor.send(callbox::ActorMessage(without_macro::SayHello { name: "actor".to_owned() })).await.unwrap();
    assert_eq!(hello, Ok("hello actor".to_owned()));
    let say_hello = service.stats().into_iter().find(|stats| stats.method == "say_hello").unwrap();
    assert_eq!(say_hello.answered, 1, "it went the way of all calls: {say_hello:?}");
    running.stop().await.unwrap();
}

#[actix_web::test]
async fn an_embedded_service_answers_beside_the_routes_of_its_program() {
    let running = embedded::app().launch().await.unwrap();
    let app = init_service(App::new().configure(embedded::routes(&running))).await;
    let shown = commands(include_str!("../examples/embedded.rs"));
    assert_eq!(shown.len(), 3);
    for command in shown {
        let path = command.url.strip_prefix("http://127.0.0.1:5000").expect("where the example listens");
        let request = match command.body.clone() {
            Some(body) => TestRequest::post().insert_header(("content-type", "application/json")).set_payload(body),
            None => TestRequest::get(),
        };
        let request = request.uri(path).insert_header(("host", "127.0.0.1:5000")).to_request();
        let answer = call_and_read_body(&app, request).await;
        assert_eq!(String::from_utf8_lossy(&answer).trim_end(), command.answer, "{command:?}");
    }

    running.stop().await.unwrap();
    let health = TestRequest::get().uri("/health").to_request();
    assert_eq!(call_service(&app, health).await.status(), 503);
}

#[actix_web::test]
async fn the_calls_of_the_client_example_end_as_its_documentation_says() {
    let running = client::app().launch().await.unwrap();
    let (url, server) = client::listen(&running).unwrap();
    let handle = server.handle();
    let served = actix_web::rt::spawn(server);
    let said = client::calls(&url, &running).await.unwrap();
    let source = include_str!("../examples/client.rs");
    let (_, shown) = source.split_once("//! ```text\n").expect("what it says");
    let shown: Vec<_> =
        shown.lines().map_while(|line| line.strip_prefix("//! ")).take_while(|line| *line != "```").collect();
    assert_eq!(said, shown);
    handle.stop(true).await;
    served.await.unwrap().unwrap();
    running.stop().await.unwrap();
}

#[test]
fn the_guestbook_page_shows_what_was_signed_and_no_markup_of_the_visitors() {
    use web_pages::service::{Guestbook_Count, Guestbook_Erase, Guestbook_Sign};

    let server = testing::start(web_pages::app().assets(CHECKOUT));
    let text = "<script>alert(1)</script>".to_owned();
    let entry = server.call(Guestbook_Sign { name: " Eve ".to_owned(), text }).unwrap();
    assert_eq!(entry.name, "Eve");
    let page = server.get("/");
    assert_eq!(page.status, 200, "the redirect leads to the guestbook");
    assert!(page.body.contains("<span id=\"count\">3</span>"), "{}", page.body);
    assert!(page.body.contains("&lt;script&gt;") && !page.body.contains("<script>"), "{}", page.body);

    assert!(server.call(Guestbook_Erase { id: entry.id }).is_err(), "without a token");
    assert_eq!(server.with_token("hello_world").call(Guestbook_Erase { id: entry.id }), Ok(true));
    assert_eq!(server.call(Guestbook_Count {}), Ok(2));
    let too_long = server.call(Guestbook_Sign { name: "Eve".to_owned(), text: "x".repeat(281) }).unwrap_err();
    assert_eq!(too_long.message(), "The text has 281 characters, and may have 280");
}

#[test]
fn the_mailboxes_page_counts_the_calls_of_each_method() {
    use web_pages::service::{Guestbook, Guestbook_Ring};

    let server = testing::start(web_pages::app().assets(CHECKOUT));
    for _ in 0..3 {
        server.notify(Guestbook_Ring {});
    }
    server.wait_idle::<Guestbook>();
    let row = |page: &str| {
        let (_, row) = page.split_once("<code>ring</code></th>").expect("a row for each method");
        row.split_once("</tr>").expect("its end").0.to_owned()
    };
    for path in ["/pages/mailboxes", "/pages/mailboxes/table"] {
        let page = server.get(path).body;
        assert!(row(&page).contains("<td data-label=\"Answered\">3</td>"), "{path}: {page}");
        assert!(row(&page).contains("<small>/32</small>"), "{path}: {page}");
    }
}

#[test]
fn every_file_that_the_pages_load_is_there() {
    let server = testing::start(web_pages::app().assets(CHECKOUT));
    for path in ["/pages/guestbook", "/pages/mailboxes"] {
        let page = server.get(path).body;
        let files: Vec<_> = page.split("\"/static/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(files.len() >= 3, "{path}: {files:?}");
        for file in files.into_iter().chain(["rpc.js"]) {
            assert_eq!(server.get(&format!("/static/{file}")).status, 200, "{file}");
        }
    }
}
