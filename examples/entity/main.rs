//! Records with an id: create, read, update with a version check, delete, list by pages.
//!
//! Run with `cargo run --example entity`, then in another shell:
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' "$@"; echo; }
//! call \
//!   -d '{"jsonrpc":"2.0","method":"create","params":["Ada","ada@a.org"],"id":1}'
//! # {"jsonrpc":"2.0","result":{"id":1,"version":1,"name":"Ada","email":"ada@a.org"},"id":1}
//! call \
//!   -d '{"jsonrpc":"2.0","method":"update","params":{"id":1,"version":1,"name":"Eve"},"id":2}'
//! # {"jsonrpc":"2.0","result":{"id":1,"version":2,"name":"Eve","email":"ada@a.org"},"id":2}
//! call \
//!   -d '{"jsonrpc":"2.0","method":"update","params":{"id":1,"version":1,"name":"Zoe"},"id":3}'
//! # {"jsonrpc":"2.0","error":{"code":409,"message":"User 1 is at version 2 by now"},"id":3}
//! call -d '{"jsonrpc":"2.0","method":"list","params":{"after":1,"limit":10},"id":4}'
//! # {"jsonrpc":"2.0","result":{"users":[],"next":null},"id":4}
//! call -H 'X-Api-Token: hello_world' \
//!   -d '{"jsonrpc":"2.0","method":"delete","params":[1,2],"id":5}'
//! # {"jsonrpc":"2.0","result":{"id":1,"version":2,"name":"Eve","email":"ada@a.org"},"id":5}
//! ```

pub mod service;
#[cfg(all(test, feature = "testing"))]
mod tests;

use callbox::Server;

use service::Users;

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(Users::default).tokens(|token: &str| token == "hello_world").bind("127.0.0.1:5000")
}

fn main() -> callbox::Result<()> {
    app().with_args().start()
}
