//! Three instances of which one is ten times slower, offered 60 % of what all can do.

use std::io;
use std::time::Duration;

use callbox::client::ClientError;
use callbox_test_support::nats_server::NatsServer;

use crate::Bench;
use crate::instances::Kind;
use crate::load::{connect, open_loop, run as run_async, stop_after};

pub(crate) const NAME: &str = "slow";

pub(crate) const RUNS: &str = "p99, in slow runs";
pub(crate) const REJECTED: &str = "rejected %";
const P50: &str = "p50 ms";
const P99: &str = "p99 ms";
pub(crate) const CALLBOX: &str = "callbox";
const PLAIN: &str = "plain queue groups";

const FAST: Duration = Duration::from_millis(2);
const SLOW: Duration = Duration::from_millis(20);

/// Share of the calls that all instances can run.
const OFFERED: f64 = 0.6;

pub(crate) fn run(bench: &mut Bench) -> io::Result<()> {
    let time = Duration::from_secs(bench.pick(2, 15));
    let capacity = 2.0 / FAST.as_secs_f64() + 1.0 / SLOW.as_secs_f64();
    for _ in 0..bench.rounds(3) {
        for (kind, subject) in [(Kind::Callbox, CALLBOX), (Kind::Bare, PLAIN)] {
            let nats = NatsServer::start(&[]);
            let _instances = kind.start_all(&nats, [FAST, FAST, SLOW])?;
            let outcome = run_async(async {
                let client = connect(&nats.url()).await?.with_deadline(Duration::from_secs(20));
                // The instances learn how long a call takes.
                open_loop(&client, "work", capacity * OFFERED / 2.0, stop_after(Duration::from_secs(1))).await;
                Ok(open_loop(&client, "work", capacity * OFFERED, stop_after(time)).await)
            })?;
            let slow_runs = outcome.quantile(0.99) / (SLOW.as_secs_f64() * 1e3);
            let is_rejected = |error: &&ClientError| matches!(error, ClientError::Rejected(_));
            let rejected = outcome.errors.iter().filter(is_rejected).count() as f64;
            for (quantity, value) in [
                (P50, outcome.quantile(0.5)),
                (P99, outcome.quantile(0.99)),
                (RUNS, slow_runs),
                (REJECTED, 100.0 * rejected / outcome.calls() as f64),
            ] {
                bench.report.note(NAME, subject, quantity, value);
            }
        }
    }
    bench.report.print(NAME, "Two instances of 2 ms a call and one of 20 ms, offered 60 % of what they can do");
    Ok(())
}
