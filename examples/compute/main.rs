//! Heavy work on the worker pool, while `ping` stays quick.
//!
//! Run with `cargo run --release --example compute`, then
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H "content-type: application/json" "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"primes_up_to","params":{"limit":20000000},"id":1}' &
//! call -d '{"jsonrpc":"2.0","method":"ping","id":2}'
//! call -H "x-api-token: hello_world" -d '{"jsonrpc":"2.0","method":"reset","id":3}'
//! ```

pub mod service;

use callbox::Server;

use service::Primes;

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(Primes::default).tokens(|token: &str| token == "hello_world").bind("127.0.0.1:5000")
}

fn main() -> callbox::Result<()> {
    app().from_args().start()
}
