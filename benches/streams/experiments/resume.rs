//! A subscriber that is cut off again and again, and continues after its last item.

use std::io;

use serde_json::Value;

use crate::Bench;
use crate::client::{Subscriber, Swarm, reply, subscribe, wrong};
use crate::servers::{CAPACITY, Subject};
use callbox_benches::workload::call;

pub(crate) const NAME: &str = "resume";

const CUTS: &str = "cuts";
const ITEMS: &str = "items";
const GAPS: &str = "gaps";
const MISSED: &str = "items in them";
const CALLBOX: &str = "callbox";

/// Numbers of the connections.
const PUBLISHER: usize = 0;
const READER: usize = 1;

/// Of so many cuts, one is longer than the ring.
const LONG_CUT: u64 = 10;

/// Number of items that are published during a long cut: more than the server keeps.
const LONG: u64 = 1500;

/// What the reader has got.
#[derive(Default)]
struct Reader {
    subscriber: Subscriber,
    cursor: Option<String>,
}

impl Reader {
    /// Reads items up to this number; what has arrived after it is lost.
    fn read_up_to(&mut self, number: u64, swarm: &mut Swarm) -> io::Result<()> {
        swarm.serve_until(|at, message, _| {
            let is_open = self.subscriber.last < Some(number);
            if at == READER && is_open {
                match self.subscriber.receive(message)? {
                    Some(item) => self.cursor = item.cursor().map(str::to_owned),
                    None => drop(reply::<Value>(message)?),
                }
            }
            Ok(self.subscriber.last >= Some(number))
        })
    }

    /// Subscribes on a new connection, after the last item.
    fn resume(&mut self, swarm: &mut Swarm) -> io::Result<()> {
        swarm.reopen(READER)?;
        self.subscriber = self.subscriber.resumed();
        swarm.send(READER, &subscribe(self.cursor.as_deref()))
    }
}

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let cuts = bench.options.pick(50, 1000);
    let server = Subject::Callbox.start(&bench.cores, CAPACITY)?;
    let mut swarm = Swarm::open(server.address, 1)?;
    swarm.add_subscribers(1)?;
    let mut reader = Reader { subscriber: Subscriber::after(0), cursor: None };
    let mut published = 0;
    for cut in 1..=cuts {
        // The cut comes in the middle of these, which the connection may have received or not.
        let (sent, read) = (1 + cut % 13, 1 + cut % 7);
        swarm.send(PUBLISHER, &publish(sent))?;
        reader.read_up_to(published + read.min(sent), &mut swarm)?;
        let lost = if cut % LONG_CUT == 0 { LONG } else { cut % 5 };
        published = swarm.call(PUBLISHER, "publish", &format!(r#"{{"count":{lost},"length":0}}"#))?;
        reader.resume(&mut swarm)?;
        // A live item after those that were missed.
        swarm.send(PUBLISHER, &publish(1))?;
        published += 1;
        reader.read_up_to(published, &mut swarm)?;
    }
    let Subscriber { gaps, missed, .. } = reader.subscriber;
    if gaps != cuts / LONG_CUT {
        return Err(io::Error::other(format!("{gaps} gaps, but {} cuts were longer than the ring", cuts / LONG_CUT)));
    }
    check_unknown_cursor(&mut swarm)?;
    for (quantity, value) in [(CUTS, cuts), (ITEMS, published), (GAPS, gaps), (MISSED, missed)] {
        bench.report.note(NAME, CALLBOX, quantity, value as f64);
    }
    bench.report.print(NAME, "Cut off and resumed: no item is lost or comes twice, and each gap is reported");
    Ok(())
}

/// Returns the call that publishes so many items.
fn publish(count: u64) -> String {
    call("publish", &format!(r#"{{"count":{count},"length":0}}"#), 1)
}

/// Checks that the server reports an unknown gap after a cursor that it does not know.
fn check_unknown_cursor(swarm: &mut Swarm) -> io::Result<()> {
    swarm.reopen(READER)?;
    swarm.send(READER, &subscribe(Some("0-1")))?;
    swarm.serve_until(|at, message, _| Ok(at == READER && reply::<Value>(message)?.is_some()))?;
    swarm.send(PUBLISHER, &publish(1))?;
    let mut subscriber = Subscriber::default();
    swarm.serve_until(|at, message, _| match subscriber.receive(message)? {
        _ if at != READER => Ok(false),
        Some(item) if item.lagged_unknown() => Ok(true),
        _ => Err(wrong("an unknown gap is not reported", message)),
    })
}
