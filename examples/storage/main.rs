//! Keys and values: with a time to live, and found by prefix.
//!
//! Run with `cargo run --example storage`, then in another shell:
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' "$@"; echo; }
//! call \
//!   -d '{"jsonrpc":"2.0","method":"put","params":{"key":"user/1","value":["Ada"]},"id":1}'
//! # {"jsonrpc":"2.0","result":null,"id":1}
//! call \
//!   -d '{"jsonrpc":"2.0","method":"put","params":["user/2","Bob",60000],"id":2}'
//! # {"jsonrpc":"2.0","result":null,"id":2}
//! call -d '{"jsonrpc":"2.0","method":"scan","params":{"prefix":"user/1"},"id":3}'
//! # {"jsonrpc":"2.0","result":[{"key":"user/1","value":["Ada"]}],"id":3}
//! call -H 'X-Api-Token: hello_world' -d '{"jsonrpc":"2.0","method":"clear","id":4}'
//! # {"jsonrpc":"2.0","result":null,"id":4}
//! call -d '{"jsonrpc":"2.0","method":"get","params":["user/1"],"id":5}'
//! # {"jsonrpc":"2.0","error":{"code":404,"message":"No such key user/1"},"id":5}
//! ```

pub mod service;
#[cfg(all(test, feature = "testing"))]
mod tests;

use callbox::Server;

use service::KeyValues;

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(KeyValues::default).tokens(|token: &str| token == "hello_world").bind("127.0.0.1:5000")
}

fn main() -> callbox::Result<()> {
    app().with_args().start()
}
