//! Heavy work on the worker pool, while `ping` stays quick.
//!
//! Run with `cargo run --release --example compute`, then in another shell:
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"primes_up_to","params":{"limit":20000000},"id":1}' &
//! # {"jsonrpc":"2.0","result":1270607,"id":1}
//! call -d '{"jsonrpc":"2.0","method":"ping","id":2}'
//! # {"jsonrpc":"2.0","result":"pong","id":2}
//! call -H 'X-Api-Token: hello_world' -d '{"jsonrpc":"2.0","method":"reset","id":3}'
//! # {"jsonrpc":"2.0","result":null,"id":3}
//! ```
//!
//! The pong comes first: what is computed has a pool of its own, as large as the machine's cores.

pub mod service;
#[cfg(all(test, feature = "testing"))]
mod tests;

use callbox::Server;

use service::Primes;

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(Primes::default).tokens(|token: &str| token == "hello_world").bind("127.0.0.1:5000")
}

fn main() -> callbox::Result<()> {
    app().with_args().start()
}
