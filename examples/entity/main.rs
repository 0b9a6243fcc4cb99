//! Records with an id: create, read, update with a version check, delete, list by pages.
//!
//! Run with `cargo run --example entity`, then
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H "content-type: application/json" "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"create","params":{"name":"Ada","email":"ada@example.org"},"id":1}'
//! call -d '{"jsonrpc":"2.0","method":"update","params":{"id":1,"version":1,"name":"Ada L."},"id":2}'
//! call -d '{"jsonrpc":"2.0","method":"list","params":{"limit":10},"id":3}'
//! call -H "x-api-token: hello_world" -d '{"jsonrpc":"2.0","method":"delete","params":[1, 2],"id":4}'
//! ```

pub mod service;

use callbox::Server;

use service::Users;

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(Users::default).tokens(|token: &str| token == "hello_world").bind("127.0.0.1:5000")
}

fn main() -> callbox::Result<()> {
    app().from_args().start()
}
