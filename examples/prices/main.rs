//! Prices that a web page shows as they change: a topic, a subscription, and one WebSocket.
//!
//! Run with `cargo run --example prices`, then open <http://127.0.0.1:5000/> in two windows. The
//! page gets the prices by a subscription, and sets one by a call over the same WebSocket. What the
//! shell sets appears in all windows at once:
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"symbols","id":1}'
//! # {"jsonrpc":"2.0","result":["APPL","CIDR","PEAR"],"id":1}
//! call -d '{"jsonrpc":"2.0","method":"set","params":{"symbol":"PEAR","value":2.75},"id":2}'
//! # {"jsonrpc":"2.0","result":{"symbol":"PEAR","value":2.75},"id":2}
//! ```
//!
//! The files that the browser loads are in `static/prices`: `connection.js` is a client for any
//! service with subscriptions, `prices.js` the page.

pub mod service;
#[cfg(all(test, feature = "testing"))]
mod tests;

use callbox::Server;

use service::Market;

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(Market::default)
        .bind("127.0.0.1:5000")
        // From where it is started; elsewhere `--assets` says where they are.
        .static_files("/", "static/prices")
}

fn main() -> callbox::Result<()> {
    app().with_args().start()
}
