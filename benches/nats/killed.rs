//! One of three instances is killed under load.

use std::io;
use std::time::Duration;

use callbox::client::ClientError;
use callbox_test_support::nats_server::NatsServer;

use crate::Bench;
use crate::instances::Kind;
use crate::load::{connect, open_loop, run as run_async, stop_after};

pub(crate) const NAME: &str = "killed";

const CALLS: &str = "calls";
const LOST: &str = "lost";
pub(crate) const OTHERS: &str = "other errors";
pub(crate) const CALLBOX: &str = "callbox";

/// Number of calls a second.
const RATE: f64 = 1000.0;

/// How long a call takes, so that the instance has some when it is killed.
const WORK: Duration = Duration::from_millis(1);

pub(crate) fn run(bench: &mut Bench) -> io::Result<()> {
    let time = Duration::from_secs(bench.pick(1, 4));
    for _ in 0..bench.rounds(3) {
        let nats = NatsServer::start(&[]);
        let mut instances = Kind::Callbox.start_all(&nats, [WORK; 3])?;
        let outcome = run_async(async {
            let client = connect(&nats.url()).await?.with_deadline(Duration::from_secs(2));
            let load = tokio::spawn(async move { open_loop(&client, "work", RATE, stop_after(time)).await });
            tokio::time::sleep(time / 2).await;
            drop(instances.pop());
            load.await.map_err(io::Error::other)
        })?;
        let is_late = |error: &&ClientError| matches!(error, ClientError::Deadline(_));
        let lost = outcome.errors.iter().filter(is_late).count();
        for (quantity, value) in
            [(CALLS, outcome.calls() as f64), (LOST, lost as f64), (OTHERS, (outcome.errors.len() - lost) as f64)]
        {
            bench.report.note(NAME, CALLBOX, quantity, value);
        }
    }
    bench.report.print(NAME, "One of three instances killed under 1,000 calls a second");
    Ok(())
}
