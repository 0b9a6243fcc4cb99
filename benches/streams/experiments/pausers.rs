//! Subscribers that stop reading, and what the others notice of them.

use std::io;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::pacing::Pacing;
use crate::Bench;
use crate::client::{Subscriber, Swarm, check_patience};
use crate::servers::{Subject, now};
use callbox_benches::closed_loop::latencies;
use callbox_benches::server_process::ServerProcess;

pub(crate) const NAME: &str = "pausers";

pub(crate) const P99: &str = "p99 ms";
const P50: &str = "p50 ms";
pub(crate) const GAPS: &str = "gaps";
const MISSED: &str = "items in them";
pub(crate) const GROWTH: &str = "KiB/pauser";

pub(crate) const WITHOUT: &str = "callbox, all read";
pub(crate) const WITH: &str = "callbox, a tenth pauses";

/// Length of the note of an item, in bytes.
const LENGTH: usize = 4096;

/// Number of items that the sockets of a connection hold, or more.
const IN_SOCKETS: u64 = 100;

/// Time between two items.
const INTERVAL: Duration = Duration::from_millis(20);

/// Number of the connection that publishes.
const PUBLISHER: usize = 0;

/// The sizes of the experiment.
struct Sizes {
    connections: usize,
    pausers: usize,
    /// Time for which all read, before the pause and after it. The server then keeps as many items
    /// as it ever does.
    around: Duration,
    pause: Duration,
    /// Number of items that the server keeps: less than are published during the pause.
    capacity: usize,
}

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let seconds = Duration::from_secs;
    let quick = Sizes { connections: 200, pausers: 20, around: seconds(1), pause: seconds(3), capacity: 32 };
    let full = Sizes { connections: 1000, pausers: 100, around: seconds(6), pause: seconds(15), capacity: 256 };
    let sizes = bench.options.pick(quick, full);
    for _ in 0..bench.options.rounds(3) {
        let usual = measure(bench, WITHOUT, &Sizes { pausers: 0, ..sizes })?;
        let growth = measure(bench, WITH, &sizes)?;
        bench.report.note(NAME, WITH, GROWTH, (growth - usual) / sizes.pausers as f64);
    }
    let Sizes { connections, pausers, pause, .. } = sizes;
    let title = format!(
        "{connections} connections, 50 items of 4 KiB a second; {pausers} connections do not read for {} s: latency of \
         the others",
        pause.as_secs()
    );
    bench.report.print(NAME, &title);
    Ok(())
}

/// All subscribers, of which the first ones pause.
struct Readers {
    swarm: Swarm,
    pacing: Pacing,
    /// The subscriber of each connection; that of the publisher has nothing.
    subscribers: Vec<Subscriber>,
    pausers: RangeInclusive<usize>,
    /// The latencies of those that never pause.
    latencies: Histogram<u64>,
}

impl Readers {
    fn open(server: &ServerProcess, sizes: &Sizes) -> io::Result<Self> {
        let mut swarm = Swarm::open(server.address, 1)?;
        swarm.add_subscribers(sizes.connections)?;
        Ok(Self {
            swarm,
            pacing: Pacing::new(INTERVAL, LENGTH, sizes.capacity),
            subscribers: (0..=sizes.connections).map(|_| Subscriber::after(0)).collect(),
            pausers: PUBLISHER + 1..=PUBLISHER + sizes.pausers,
            latencies: latencies(),
        })
    }

    /// Publishes and reads for this time.
    fn run_for(&mut self, time: Duration) -> io::Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < time {
            self.pacing.publish_due(&mut self.swarm, PUBLISHER)?;
            self.read()?;
        }
        Ok(())
    }

    /// Runs for the time of the pause, and until there are more items than the server and the
    /// sockets keep.
    fn pause(&mut self, sizes: &Sizes) -> io::Result<()> {
        let (begin, enough) = (Instant::now(), self.pacing.published + sizes.capacity as u64 + IN_SOCKETS);
        self.run_for(sizes.pause)?;
        while self.pacing.published < enough {
            self.run_for(INTERVAL)?;
            check_patience(begin)?;
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        let Self { swarm, pacing, subscribers, pausers, latencies } = self;
        swarm.serve(|at, message, _| {
            if at == PUBLISHER {
                return pacing.receive(message);
            }
            if let Some(item) = subscribers[at].receive(message)?
                && !pausers.contains(&at)
            {
                latencies.saturating_record(now().saturating_sub(item.at));
            }
            Ok(())
        })
    }

    /// Stops to read from some, or goes on.
    fn set_paused(&mut self, paused: bool) -> io::Result<()> {
        for at in self.pausers.clone() {
            self.swarm.set_paused(at, paused);
            self.swarm.serve_one(at, |at, message, _| self.subscribers[at].receive(message).map(drop))?;
        }
        Ok(())
    }

    /// Reads until everybody has the last item.
    fn finish(&mut self) -> io::Result<()> {
        let begin = Instant::now();
        let last = Some(self.pacing.published);
        loop {
            let mut behind = (1..self.subscribers.len()).filter(|at| self.subscribers[*at].last != last);
            let Some(first) = behind.next() else { return Ok(()) };
            let what = || {
                format!(
                    "{} connections wait; number {first} has {:?} of {last:?}",
                    1 + behind.count(),
                    self.subscribers[first].last
                )
            };
            check_patience(begin).map_err(|error| io::Error::other(format!("{error}: {}", what())))?;
            self.read()?;
        }
    }
}

/// Returns by how many KiB the server has grown during the pause.
fn measure(bench: &mut Bench<'_>, name: &'static str, sizes: &Sizes) -> io::Result<f64> {
    let server = Subject::Callbox.start(&bench.cores, sizes.capacity)?;
    let mut readers = Readers::open(&server, sizes)?;
    readers.run_for(sizes.around)?;
    let before = server.memory()?;
    readers.set_paused(true)?;
    readers.pause(sizes)?;
    let growth = server.memory()?.growth_since(before) * 1024.0;
    readers.set_paused(false)?;
    readers.run_for(sizes.around)?;
    readers.finish()?;

    let (of_pausers, of_others) = readers.subscribers.split_at(PUBLISHER + 1 + sizes.pausers);
    if let Some(subscriber) = of_others.iter().find(|subscriber| subscriber.gaps > 0) {
        return Err(io::Error::other(format!("a client that reads missed {} items", subscriber.missed)));
    }
    let sum = |count: fn(&Subscriber) -> u64| of_pausers.iter().map(count).sum::<u64>() as f64;
    let (gaps, missed) = (sum(|subscriber| subscriber.gaps), sum(|subscriber| subscriber.missed));
    let latency = |quantile| readers.latencies.value_at_quantile(quantile) as f64 / 1e6;
    bench.report.note(NAME, name, P50, latency(0.5));
    bench.report.note(NAME, name, P99, latency(0.99));
    bench.report.note(NAME, name, GAPS, gaps);
    bench.report.note(NAME, name, MISSED, missed);
    Ok(growth)
}
