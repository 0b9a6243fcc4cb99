//! The service of `my_service.rs` without `#[service]`: what the macro writes, written by hand.
//!
//! Run with `cargo run --example without_macro`, then in another shell:
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"store","params":{"key":"answer","value":"42"},"id":1}'
//! # {"jsonrpc":"2.0","result":null,"id":1}
//! call -d '{"jsonrpc":"2.0","method":"store","params":["answer","43"],"id":2}'
//! # {"jsonrpc":"2.0","result":"42","id":2}
//! call -H 'X-Api-Token: hello_world' \
//!   -d '{"jsonrpc":"2.0","method":"retrieve","params":["answer"],"id":3}'
//! # {"jsonrpc":"2.0","result":"43","id":3}
//! ```
//!
//! A method is a message: a struct of its parameters. A trait of the service says how it handles
//! the message, another lists the methods.

use std::collections::HashMap;

use callbox::{Handler, Handles, Message, MethodOptions, MethodTable, RpcError, Server, Service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state: plain fields.
#[derive(Debug, Default)]
pub struct MyService {
    values: HashMap<String, String>,
}

impl Service for MyService {
    const NAME: &'static str = "name.your.service";
    // The version of the crate. Without this line it is 0.0.0.
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn methods(table: &mut impl MethodTable<Self>) {
        table.add::<SayHello>(MethodOptions::public().doc("Says hello."));
        table.add::<SayPrivateHello>(MethodOptions::private().doc("Says hello to those who have a token."));
        table.add::<Store>(MethodOptions::public().doc("Stores a value, and answers the one that was stored before."));
        table.add::<Retrieve>(MethodOptions::private().doc("Retrieves a value that was previously stored."));
    }
}

/// Says hello.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SayHello {
    /// Whom to greet.
    pub name: String,
}

impl Message for SayHello {
    type Output = String;
    type Error = RpcError;
    const NAME: &'static str = "say_hello";
    const PARAMS: &'static [&'static str] = &["name"];
}

impl Handles<SayHello> for MyService {
    const HANDLER: Handler<Self, SayHello> =
        Handler::Read(|_: &Self, message: SayHello, _| Ok(format!("hello {}", message.name)));
}

/// Says hello to those who have a token.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SayPrivateHello {
    /// Whom to greet.
    pub name: String,
}

impl Message for SayPrivateHello {
    type Output = String;
    type Error = RpcError;
    const NAME: &'static str = "say_private_hello";
    const PARAMS: &'static [&'static str] = &["name"];
}

impl Handles<SayPrivateHello> for MyService {
    const HANDLER: Handler<Self, SayPrivateHello> =
        Handler::Read(|_: &Self, message: SayPrivateHello, _| Ok(format!("Private hello {}", message.name)));
}

/// Stores a value, and answers the one that was stored before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Store {
    /// Where to store it.
    pub key: String,
    /// What to store.
    pub value: String,
}

impl Message for Store {
    type Output = Option<String>;
    type Error = RpcError;
    const NAME: &'static str = "store";
    const PARAMS: &'static [&'static str] = &["key", "value"];
}

impl Handles<Store> for MyService {
    const HANDLER: Handler<Self, Store> =
        Handler::Write(|service: &mut Self, message: Store, _| Ok(service.values.insert(message.key, message.value)));
}

/// Retrieves a value that was previously stored.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Retrieve {
    /// Where it was stored.
    pub key: String,
}

impl Message for Retrieve {
    type Output = Option<String>;
    type Error = RpcError;
    const NAME: &'static str = "retrieve";
    const PARAMS: &'static [&'static str] = &["key"];
}

impl Handles<Retrieve> for MyService {
    const HANDLER: Handler<Self, Retrieve> =
        Handler::Read(|service: &Self, message: Retrieve, _| Ok(service.values.get(&message.key).cloned()));
}

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(MyService::default).tokens(|token: &str| token == "hello_world").bind("127.0.0.1:5000")
}

fn main() -> callbox::Result<()> {
    app().with_args().start()
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use callbox::{ActorMessage, testing};

    use super::*;

    #[test]
    fn a_value_is_kept_until_another_one_takes_its_place() {
        let server = testing::start(app());
        let store = |value: &str| Store { key: "answer".to_owned(), value: value.to_owned() };
        assert_eq!(server.call(store("42")), Ok(None));
        assert_eq!(server.call(store("43")), Ok(Some("42".to_owned())));

        let retrieve = || Retrieve { key: "answer".to_owned() };
        assert!(server.call(retrieve()).is_err(), "without a token");
        assert_eq!(server.with_token("hello_world").call(retrieve()), Ok(Some("43".to_owned())));
    }

    #[actix_web::test]
    async fn a_message_can_be_sent_to_the_actor_of_the_service() {
        let server = app().launch().await.unwrap();
        let service = server.service::<MyService>().unwrap();
        let actor = service.addr().expect("a service that is up has an actor");
        let hello = actor.send(ActorMessage(SayHello { name: "actor".to_owned() })).await.unwrap();
        assert_eq!(hello, Ok("hello actor".to_owned()));

        let stats = service.stats().into_iter().find(|stats| stats.method == "say_hello").unwrap();
        assert_eq!(stats.answered, 1, "it took the way of all calls: {stats:?}");
        server.stop().await.unwrap();
    }
}
