//! Keys and values: with a time to live, and found by prefix.
//!
//! Run with `cargo run --example storage`, then
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H "content-type: application/json" "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"put","params":{"key":"user/1","value":{"name":"Ada"}},"id":1}'
//! call -d '{"jsonrpc":"2.0","method":"put","params":{"key":"user/2","value":"Bob","ttl_ms":5000},"id":2}'
//! call -d '{"jsonrpc":"2.0","method":"scan","params":{"prefix":"user/"},"id":3}'
//! call -H "x-api-token: hello_world" -d '{"jsonrpc":"2.0","method":"clear","id":4}'
//! ```

pub mod service;

use callbox::Server;

use service::KeyValues;

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(KeyValues::default).tokens(|token: &str| token == "hello_world").bind("127.0.0.1:5000")
}

fn main() -> callbox::Result<()> {
    app().from_args().start()
}
