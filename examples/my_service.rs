//! The smallest whole service: a public method, a private one, and a token.
//!
//! Run with `cargo run --example my_service`, then in another shell:
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":1}'
//! # {"jsonrpc":"2.0","result":"hello world","id":1}
//! call -H 'X-Api-Token: hello_world' \
//!   -d '{"jsonrpc":"2.0","method":"say_private_hello","params":{"name":"world"},"id":2}'
//! # {"jsonrpc":"2.0","result":"Private hello world","id":2}
//! ```
//!
//! `--help` lists what can be set; `--dialect pymicroservice` answers as the Python framework did.

use std::collections::HashMap;

use callbox::{Server, service};

#[derive(Default)]
struct MyService {
    values: HashMap<String, String>,
}

#[service(name = "name.your.service")]
impl MyService {
    /// Says hello.
    #[public_method]
    fn say_hello(&self, name: String) -> String {
        format!("hello {name}")
    }

    /// Says hello to those who have a token.
    #[private_api_method]
    fn say_private_hello(&self, name: String) -> String {
        format!("Private hello {name}")
    }

    /// Stores a value, and answers the one that was stored before.
    #[public_method]
    fn store(&mut self, key: String, value: String) -> Option<String> {
        self.values.insert(key, value)
    }

    /// Retrieves a value that was previously stored.
    #[private_api_method]
    fn retrieve(&self, key: String) -> Option<String> {
        self.values.get(&key).cloned()
    }
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
    use callbox::testing;

    use super::*;

    #[test]
    fn everybody_is_greeted_and_private_greetings_need_a_token() {
        let server = testing::start(app());
        let hello = server.call(MyService_SayHello { name: "Ada".to_owned() });
        assert_eq!(hello, Ok("hello Ada".to_owned()));

        let private = || MyService_SayPrivateHello { name: "Ada".to_owned() };
        assert!(server.call(private()).is_err(), "without a token");
        assert_eq!(server.with_token("hello_world").call(private()), Ok("Private hello Ada".to_owned()));
    }

    #[test]
    fn a_value_is_kept_until_another_one_takes_its_place() {
        let service = testing::in_process(MyService::default);
        let store = |value: &str| MyService_Store { key: "answer".to_owned(), value: value.to_owned() };
        assert_eq!(service.call(store("42")), Ok(None));
        assert_eq!(service.call(store("43")), Ok(Some("42".to_owned())));
        let retrieve = MyService_Retrieve { key: "answer".to_owned() };
        assert_eq!(service.call(retrieve), Ok(Some("43".to_owned())));
    }
}
