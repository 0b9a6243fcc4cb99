//! The thread that makes the calls.

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

/// Longer than any connection takes to a server that has not too many of them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that are begun at once, so that the server's backlog is not the first thing to overflow.
const MAX_CONCURRENT_CONNECTS: usize = 32;

/// How long answers are waited for after a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the figures over time are taken.
const INTERVAL: Duration = Duration::from_millis(250);

/// All that the lines share; they are futures on one thread.
struct Generator<'a> {
    plan: &'a Plan,
    start: Instant,
    schedule: RefCell<Schedule>,
    /// What each line has taken from the schedule, and is not done with.
    pending: Vec<Cell<Option<Arrival>>>,
    histograms: RefCell<Vec<OutcomeHistograms>>,
    /// How late the load itself was, for the calls that did not have to wait for a connection.
    send_delays: RefCell<LatencyHistogram>,
    /// Calls for which no line was free when they were due.
    waited_for_connection: Cell<u64>,
    interval: RefCell<Interval>,
    intervals: RefCell<Vec<Interval>>,
    recent_latencies: RefCell<LatencyHistogram>,
}

/// Makes the calls and waits for their ends.
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

/// All connections of a plan; those that fail are tried again when a call is due for them.
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
            // The lines are not polled for the first time in no time.
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

    /// Takes the next call of the schedule whenever the line is free: then it waits for its time, or is late already.
    async fn run_connection(&self, mut connection: Connection, pending: &Cell<Option<Arrival>>) {
        loop {
            let next = self.schedule.borrow_mut().next();
            let Some(arrival) = next else { return };
            pending.set(Some(arrival));
            let due = self.start + arrival.due;
            if Instant::now() < due {
                Timer::at(due).await;
                // A stop may have come in between.
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

    /// Takes the figures over time, and tells them. Ends never.
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
        // Who is without an answer has waited at least until now.
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
