//! Calls by functions: over HTTP and within the process they are the same.

use std::time::Duration;

use callbox::client::{Client, ClientError, TypedClient};
use callbox::testing::TestServer;
use callbox::{Caller, Dialect, RpcError, Server, ServiceRef, service, testing};
use serde_json::{Map, json};

use super::service::{NoteError, Notes, Notes_Add, Notes_Echo, Notes_Fall, Notes_Line, NotesClient, server};

/// The same kind of service by both ways, each on a server of its own.
fn both() -> [(TestServer, NotesClient); 2] {
    let (over_http, within) = (server(), server());
    let client = Client::new(over_http.url("/api")).unwrap();
    let by_mailbox = within.service::<Notes>().client();
    [(over_http, NotesClient::from(client)), (within, by_mailbox)]
}

/// Async code on many threads can only take such futures.
fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn a_function_gives_the_result_or_the_error_of_the_method() {
    for (_server, client) in both() {
        assert_eq!(is_send(client.add("one".to_owned())).await.unwrap(), 1);
        assert_eq!(client.line(0).await.unwrap(), "one");
        let error = client.line(7).await.unwrap_err();
        assert!(matches!(error, ClientError::Method(NoteError::NoLine { at: 7 })), "{error:?}");
        assert_eq!(error.to_string(), "the method failed: NoLine { at: 7 }");
        assert_eq!(client.add_up(vec![1, 2]).await.unwrap(), 3);
        assert!(matches!(client.fall().await, Err(ClientError::Server(error)) if error.code() == -32603));
        assert!(
            matches!(client.of_tenant().await, Err(ClientError::Method(error)) if error.code() == 401),
            "an injected one"
        );
    }
}

#[tokio::test]
async fn parameters_arrive_under_their_names_and_what_is_none_is_left_out() {
    let extra = Map::from_iter([("colour".to_owned(), json!("red"))]);
    for (_server, client) in both() {
        let echo = client.echo(1, Some("x".to_owned()), 2, extra.clone()).await.unwrap();
        assert_eq!(echo, json!({ "first": 1, "type": "x", "limit": 2, "extra": { "colour": "red" } }));
        let echo = client.echo(1, None, 10, Map::new()).await.unwrap();
        assert_eq!(echo, json!({ "first": 1, "type": null, "limit": 10, "extra": {} }));
        assert_eq!(client.perhaps(None).await.unwrap(), None, "a default does not take the place of nothing");
        assert_eq!(client.perhaps(Some(4)).await.unwrap(), Some(4));
    }
    let written = serde_json::to_value(Notes_Echo { first: 1, kind: None, limit: 2, extra: Map::new() }).unwrap();
    assert_eq!(written, json!({ "first": 1, "limit": 2 }));
}

#[tokio::test]
async fn a_private_method_wants_a_token_over_http_and_the_caller_is_said_within_the_process() {
    let server = server();
    let client = NotesClient::from(Client::new(server.url("/api")).unwrap());
    assert!(matches!(client.who().await, Err(ClientError::Server(error)) if error.code() == -32001));
    assert!(client.with_token("secret").who().await.unwrap());
    let service: ServiceRef<Notes> = server.service();
    assert!(!service.client::<NotesClient>().who().await.unwrap());
    assert!(service.as_caller(Caller::named("anna")).client::<NotesClient>().who().await.unwrap());
}

#[tokio::test]
async fn a_batch_has_an_answer_of_its_own_type_for_each_call() {
    for (server, client) in both() {
        client.add("one".to_owned()).await.unwrap();
        client.add("two".to_owned()).await.unwrap();
        let batch =
            client.batch().add(Notes_Add { text: "three".to_owned() }).notify(Notes_Add { text: "four".to_owned() });
        let batch = batch.add(Notes_Line { at: 7 }).add_all((0..2).map(|at| Notes_Line { at })).add(Notes_Fall {});
        let (added, none, lines, fallen) = batch.send().await;
        assert_eq!(added.unwrap(), 3);
        assert!(matches!(none, Err(ClientError::Method(NoteError::NoLine { at: 7 }))));
        let lines: Vec<_> = lines.into_iter().map(Result::unwrap).collect();
        assert_eq!(lines, ["one", "two"]);
        assert!(matches!(fallen, Err(ClientError::Server(error)) if error.code() == -32603));
        let () = client.batch().notify(Notes_Add { text: "five".to_owned() }).send().await;
        client.notify(Notes_Add { text: "six".to_owned() }).await.unwrap();
        server.service::<Notes>().wait_idle().await;
        assert_eq!(client.line(3).await.unwrap(), "four", "within a mailbox calls keep their order");
        assert_eq!(client.line(5).await.unwrap(), "six");
        let () = client.batch().send().await;
    }
}

#[tokio::test]
async fn a_deadline_is_kept_by_the_caller_and_by_the_service() {
    for (server, client) in both() {
        let late = client.with_deadline(Duration::from_millis(30)).wait().await.unwrap_err();
        assert!(matches!(late, ClientError::Deadline(_)), "{late}");
        // Returns only if the service has given the call up as well.
        server.service::<Notes>().wait_idle().await;
        assert!(client.patience().await.unwrap() <= 5000, "the method's own");
        assert!(client.patience().await.unwrap() > 1000);
        assert!(client.with_deadline(Duration::from_millis(900)).patience().await.unwrap() <= 900);
        assert!(client.with_deadline(Duration::from_secs(60)).patience().await.unwrap() <= 5000, "never longer");
    }
    let server = server();
    let client =
        NotesClient::from(Client::builder(server.url("/api")).deadline(Duration::from_millis(900)).build().unwrap());
    assert!(client.patience().await.unwrap() <= 900, "what was said of the whole client");
}

/// Asks another service.
struct Relay {
    notes: NotesClient,
}

#[service(name = "relay")]
impl Relay {
    #[public_method(deadline = "1s")]
    async fn patience(&self) -> Result<u64, RpcError> {
        self.notes.patience().await.map_err(|error| RpcError::new(1, error.to_string()))
    }
}

#[tokio::test]
async fn a_call_within_a_method_has_what_is_left_of_the_methods_time() {
    for (_server, notes) in both() {
        let relay = testing::start(Server::new(move || Relay { notes: notes.clone() }));
        let relay = RelayClient::from(Client::new(relay.url("/api")).unwrap());
        assert!(relay.patience().await.unwrap() <= 1000);
    }
}

#[tokio::test]
async fn every_dialect_is_understood() {
    let app = Server::new(Notes::default).tokens(|_: &str| false);
    let app = app.add_endpoint("/py", Dialect::Pymicroservice).add_endpoint("/v0", Dialect::Gemstone);
    let server = testing::start(app);
    for (at, path) in ["/api", "/py", "/v0"].into_iter().enumerate() {
        let client = NotesClient::from(Client::new(server.url(path)).unwrap());
        assert_eq!(client.add("line".to_owned()).await.unwrap(), 3 * at + 1, "{path}");
        assert!(matches!(client.line(99).await, Err(ClientError::Method(NoteError::NoLine { at: 99 }))), "{path}");
        client.nothing().await.unwrap();
        client.notify(Notes_Add { text: "line".to_owned() }).await.unwrap();
        let (line, none) = client.batch().add(Notes_Line { at: 0 }).add(Notes_Line { at: 99 }).send().await;
        assert_eq!(line.unwrap(), "line");
        assert!(none.is_err());
        let () = client.batch().notify(Notes_Add { text: "line".to_owned() }).send().await;
        server.service::<Notes>().wait_idle().await;
    }
}

/// A service whose methods are called like what every client can do.
#[derive(Default)]
struct Clash;

#[service(name = "clash", namespace = "a.b", client = "ClashCaller")]
impl Clash {
    #[public_method]
    fn batch(&self) -> String {
        "its own".to_owned()
    }

    #[public_method]
    fn call(&self, r#type: String) -> String {
        r#type
    }

    #[public_method]
    fn with_deadline(&self, from: u8) -> u8 {
        from
    }

    #[public_method(name = "sayIt", message = "Say")]
    fn say_it(&self, #[param(default = vec![Self::ONE])] what: Vec<u8>) -> Vec<u8> {
        what
    }

    const ONE: u8 = 1;
}

#[tokio::test]
async fn methods_go_before_what_a_client_can_do_by_itself() {
    let server = testing::start(Server::new(Clash::default));
    for client in [ClashCaller::from(Client::new(server.url("/api")).unwrap()), server.service::<Clash>().client()] {
        assert_eq!(client.call("x".to_owned()).await.unwrap(), "x");
        assert_eq!(client.with_deadline(3).await.unwrap(), 3);
        assert_eq!(client.say_it(vec![2]).await.unwrap(), [2]);
        let (said,) = TypedClient::batch(&client).add(Say { what: vec![] }).send().await;
        assert_eq!(said.unwrap(), Vec::<u8>::new());
    }
}

#[tokio::test]
async fn a_service_that_is_gone_turns_calls_away_by_both_ways() {
    for (server, client) in both() {
        let client = client.without_retry();
        drop(server);
        let gone = client.nothing().await.unwrap_err();
        assert!(gone.never_ran(), "{gone:?}");
    }
}

#[test]
fn what_is_shown_of_a_client_has_no_token() {
    let client = Client::builder("http://127.0.0.1:1/api").token("hunter2");
    assert!(!format!("{client:?}").contains("hunter2"));
    let client = NotesClient::from(client.build().unwrap());
    assert!(!format!("{:?}", client.with_token("hunter3")).contains("hunter"));
    for url in ["nowhere", "ftp://127.0.0.1/", "http://"] {
        assert!(Client::new(url).is_err(), "{url}");
    }
    assert!(Client::builder("http://127.0.0.1:1").token_header("a b").build().is_err());
}
