//! The load generator: makes the calls of a plan, on the thread that runs it.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use async_io::Timer;
use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::stream::{self, FuturesUnordered, StreamExt};
use parking_lot::Mutex;

use super::connection::Connection;
use super::histogram::{LatencyHistogram, OutcomeHistograms};
use super::outcome::Outcome;
use super::report::{Interval, Report};
use super::schedule::{Arrival, Schedule};
use super::{Plan, Progress};

/// Maximum time to open one connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum number of connections that are being opened at the same time, so that the server's
/// accept backlog does not overflow first.
const MAX_CONCURRENT_CONNECTS: usize = 32;

/// Maximum time to wait for responses after a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Length of the intervals for which figures over time are recorded.
const INTERVAL: Duration = Duration::from_millis(250);

/// The state that all connections share. They are futures on one thread, so cells suffice.
struct Generator<'a> {
    plan: &'a Plan,
    start: Instant,
    schedule: RefCell<Schedule>,
    /// The call that each connection has taken from the schedule and not finished.
    pending: Vec<Cell<Option<Arrival>>>,
    histograms: RefCell<Vec<OutcomeHistograms>>,
    /// How late the generator itself sent the calls that did not wait for a connection.
    send_delays: RefCell<LatencyHistogram>,
    /// Number of calls for which no connection was free when they were due.
    waited_for_connection: Cell<u64>,
    interval: RefCell<Interval>,
    intervals: RefCell<Vec<Interval>>,
    recent_latencies: RefCell<LatencyHistogram>,
}

/// Runs a plan to its end, or until `stop`, and returns the report.
pub(super) fn run(plan: &Plan, stop: oneshot::Receiver<()>, progress: &Mutex<Progress>) -> io::Result<Report> {
    async_io::block_on(async {
        let mut stop = pin!(stop);
        let connections = match select(pin!(connect(plan)), stop.as_mut()).await {
            Either::Left((connections, _)) => connections?,
            Either::Right(_) => Vec::new(),
        };
        let generator = Generator::new(plan, connections.len());
        let run_calls = generator.run_calls(connections, stop.as_mut());
        match select(pin!(run_calls), pin!(generator.publish_progress(progress))).await {
            Either::Left(((), _)) | Either::Right(((), _)) => {}
        }
        Ok(generator.into_report())
    })
}

/// Opens all connections of a plan. Those that fail are opened again when they have a call to make.
///
/// # Errors
///
/// If no connection could be opened.
async fn connect(plan: &Plan) -> io::Result<Vec<Connection>> {
    let connecting = stream::iter(0..plan.connections).map(|_| async {
        let mut connection = Connection::new(plan.target.address());
        let connected = match select(pin!(connection.connect()), Timer::after(CONNECT_TIMEOUT)).await {
            Either::Left((connected, _)) => connected,
            Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        (connection, connected)
    });
    let (connections, connected): (Vec<_>, Vec<_>) = connecting.buffer_unordered(MAX_CONCURRENT_CONNECTS).unzip().await;
    if connected.iter().any(Result::is_ok) {
        return Ok(connections);
    }
    connected.into_iter().find_map(Result::err).map_or(Ok(connections), Err)
}

impl<'a> Generator<'a> {
    fn new(plan: &'a Plan, connections: usize) -> Self {
        let weights = plan.methods.iter().map(|method| method.weight);
        Self {
            plan,
            // Leaves time for the first poll of every connection.
            start: Instant::now() + Duration::from_millis(5),
            schedule: RefCell::new(Schedule::new(plan.arrivals, plan.rate, plan.duration, weights)),
            pending: (0..connections).map(|_| Cell::new(None)).collect(),
            histograms: RefCell::new(vec![OutcomeHistograms::default(); plan.methods.len()]),
            send_delays: RefCell::default(),
            waited_for_connection: Cell::new(0),
            interval: RefCell::default(),
            intervals: RefCell::default(),
            recent_latencies: RefCell::default(),
        }
    }

    async fn run_calls(&self, connections: Vec<Connection>, stop: impl Future + Unpin) {
        let connections = connections
            .into_iter()
            .zip(&self.pending)
            .map(|(connection, pending)| self.run_connection(connection, pending));
        let connections: FuturesUnordered<_> = connections.collect();
        let mut all = connections.for_each(|()| std::future::ready(()));
        let last = self.start + self.plan.duration + self.plan.drain_timeout;
        match select(&mut all, select(Timer::at(last), stop)).await {
            Either::Left(_) | Either::Right((Either::Left(_), _)) => {}
            Either::Right((Either::Right(_), _)) => {
                self.schedule.borrow_mut().end_at(self.start.elapsed());
                select(all, Timer::after(STOP_TIMEOUT)).await;
            }
        }
    }

    /// Takes the next call of the schedule whenever the connection is free, waits until the call is
    /// due, and makes it. A call that is due already is made at once, and its wait counts.
    async fn run_connection(&self, mut connection: Connection, pending: &Cell<Option<Arrival>>) {
        loop {
            let next = self.schedule.borrow_mut().next();
            let Some(arrival) = next else { return };
            pending.set(Some(arrival));
            let due = self.start + arrival.due;
            if Instant::now() < due {
                Timer::at(due).await;
                // A stop may have shortened the schedule while this call waited.
                if !self.schedule.borrow().contains(arrival) {
                    pending.set(None);
                    return;
                }
                self.send_delays.borrow_mut().record(due.elapsed());
            } else {
                self.waited_for_connection.set(self.waited_for_connection.get() + 1);
            }
            let outcome = connection.call(&self.plan.methods[arrival.method].request).await;
            pending.set(None);
            self.record(arrival, outcome, due.elapsed());
        }
    }

    fn record(&self, arrival: Arrival, outcome: Outcome, latency: Duration) {
        self.histograms.borrow_mut()[arrival.method].record(outcome, latency);
        self.recent_latencies.borrow_mut().record(latency);
        let mut interval = self.interval.borrow_mut();
        if outcome == Outcome::Result { interval.results += 1 } else { interval.errors += 1 }
    }

    /// Publishes the figures of each interval. Never completes.
    async fn publish_progress(&self, progress: &Mutex<Progress>) {
        let mut end = self.start;
        loop {
            end += INTERVAL;
            Timer::at(end).await;
            let interval = self.finish_interval();
            let mut progress = progress.lock();
            progress.elapsed = interval.end;
            progress.results += interval.results;
            progress.errors += interval.errors;
            progress.rate = interval.rate();
            progress.p99 = interval.p99;
            drop(progress);
            self.intervals.borrow_mut().push(interval);
        }
    }

    fn finish_interval(&self) -> Interval {
        let mut recent_latencies = self.recent_latencies.borrow_mut();
        let mut interval = self.interval.take();
        interval.end = self.start.elapsed();
        let before = self.intervals.borrow().last().map_or(Duration::ZERO, |before| before.end);
        interval.length = interval.end - before;
        (interval.p50, interval.p99) = (recent_latencies.quantile(0.5), recent_latencies.quantile(0.99));
        recent_latencies.clear();
        interval
    }

    fn into_report(self) -> Report {
        let last = self.finish_interval();
        let elapsed = last.end;
        self.intervals.borrow_mut().push(last);
        let mut histograms = self.histograms.into_inner();
        let mut schedule = self.schedule.into_inner();
        schedule.end_at(elapsed);
        // Calls without a response have waited at least until now.
        for arrival in self.pending.iter().filter_map(Cell::get).filter(|arrival| schedule.contains(*arrival)) {
            histograms[arrival.method].record(Outcome::TimedOut, elapsed.saturating_sub(arrival.due));
        }
        for arrival in &mut schedule {
            histograms[arrival.method].record(Outcome::NotSent, elapsed.saturating_sub(arrival.due));
        }
        let methods = self.plan.methods.iter().map(|method| method.method.clone());
        Report {
            url: self.plan.target.to_string(),
            rate: self.plan.rate,
            connections: self.plan.connections,
            load_duration: schedule.end().min(elapsed),
            elapsed,
            methods: methods.zip(histograms).collect(),
            send_delays: self.send_delays.into_inner(),
            waited_for_connection: self.waited_for_connection.get(),
            intervals: self.intervals.into_inner(),
        }
    }
}
