//! One service in three instances over NATS, of which one gets slow and another is killed.
//!
//! Run with `cargo run --features client,nats --example cluster` for one instance, which needs a
//! NATS server at its default address. The script starts all of it, and tells what happens:
//!
//! ```text
//! bash examples/cluster/run
//! ```
//!
//! It starts a NATS server (the program that `NATS_SERVER` names, or `nats-server`), the instances
//! `a`, `b` and `c`, and a client that asks for 150 quotes a second. For each second the client
//! shows how many were answered, how many not, how long they took, and who has answered:
//!
//! ```text
//! second answered lost    p50    p99     a    b    c
//!      1      149    0    8ms   12ms    46   53   50
//!      2      150    0    8ms   15ms    51   49   50
//! == c takes 50 ms for a quote instead of 5
//!      3      148    0    8ms  155ms    62   68   18
//!      4      151    0    8ms   92ms    62   74   15
//! ```
//!
//! - At first each instance has a third of the calls, as NATS chooses one at random.
//! - Then `c` is slow. It could answer 20 calls a second, and with a third of them its callers
//!   would wait longer and longer. Instead it leaves the group when calls would wait, and comes
//!   back when it has time: it has no more calls than it can answer, and `a` and `b` have the
//!   others. No call is lost.
//! - When `c` is fast again, it has its third again.
//! - Then `b` is killed (`kill -9`). What it had at that moment is lost, a call or two at most.
//!   Each ends at its deadline of 1 s, since nobody knows whether it has run. All others go to `a`
//!   and `c`.
//! - `b` is started again, and has its third at once. No client had to learn where it is.
//!
//! At the end the script stops everything that it has started.

pub mod load;
pub mod service;
#[cfg(all(test, feature = "testing"))]
mod tests;

use std::error::Error;

use callbox::Server;
use callbox::client::Client;

use service::{Quotes, QuotesClient};

/// The address of a NATS server, unless `--nats` says another.
const NATS: &str = "nats://127.0.0.1:4222";

/// The server, for `main` and for tests.
pub fn app() -> Server {
    // The script gives each instance a name, which a quote has.
    let name = std::env::var("CLUSTER_INSTANCE").unwrap_or_else(|_| "a".to_owned());
    Server::new(move || Quotes::new(&name)).bind("127.0.0.1:5000")
}

/// Makes one instance faster or slower. This goes to that instance alone, over HTTP.
async fn set_pace(url: &str, ms: u64) -> Result<(), Box<dyn Error>> {
    let quotes = QuotesClient::from(Client::new(url)?);
    Ok(quotes.set_pace(ms).await?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["load", nats, seconds] => actix::System::new().block_on(load::run(nats, seconds.parse()?)),
        ["pace", url, ms] => actix::System::new().block_on(set_pace(url, ms.parse()?)),
        _ => Ok(app().nats(NATS).with_args().start()?),
    }
}
