//! The load generator: makes the calls of a plan, on the thread that runs it.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use async_io::Timer;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;

use super::histogram::{LatencyHistogram, OutcomeHistograms};
use super::lane::{Lane, LanePool};
use super::outcome::Outcome;
use super::report::{Interval, Report};
use super::schedule::{Arrival, Schedule};
use super::{Plan, Progress};

/// Maximum time to wait for responses after a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Length of the intervals for which figures over time are recorded.
const INTERVAL: Duration = Duration::from_millis(250);

/// The state that all lanes share. They are futures on one thread, so cells suffice.
struct Generator<'a> {
    plan: &'a Plan,
    start: Instant,
    schedule: RefCell<Schedule>,
    /// The call that each lane has taken from the schedule and not finished.
    pending: Vec<Cell<Option<Arrival>>>,
    histograms: RefCell<Vec<OutcomeHistograms>>,
    /// How late the generator itself sent the calls that did not wait for a lane.
    send_delays: RefCell<LatencyHistogram>,
    /// Number of calls for which no lane was free when they were due.
    waited_for_connection: Cell<u64>,
    interval: RefCell<Interval>,
    intervals: RefCell<Vec<Interval>>,
    recent_latencies: RefCell<LatencyHistogram>,
}

/// Runs a plan to its end, or until `stop`, and returns the report.
pub(super) fn run(plan: &Plan, stop: oneshot::Receiver<()>, progress: &Mutex<Progress>) -> io::Result<Report> {
    // The client for NATS needs the timers of tokio, which a thread of their own drives.
    let timers = plan.target.is_nats().then(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("load timers").enable_time().build()
    });
    let timers = timers.transpose()?;
    let _within = timers.as_ref().map(|timers| timers.enter());
    async_io::block_on(async {
        let mut stop = pin!(stop);
        let lanes = match select(pin!(LanePool::open(plan)), stop.as_mut()).await {
            Either::Left((lanes, _)) => lanes?,
            Either::Right(_) => LanePool::default(),
        };
        let generator = Generator::new(plan, lanes.lanes.len());
        let run_calls = generator.run_calls(lanes, stop.as_mut());
        match select(pin!(run_calls), pin!(generator.publish_progress(progress))).await {
            Either::Left(((), _)) | Either::Right(((), _)) => {}
        }
        Ok(generator.into_report())
    })
}

impl<'a> Generator<'a> {
    fn new(plan: &'a Plan, lanes: usize) -> Self {
        let weights = plan.methods.iter().map(|method| method.weight);
        Self {
            plan,
            // Leaves time for the first poll of every lane.
            start: Instant::now() + Duration::from_millis(5),
            schedule: RefCell::new(Schedule::new(plan.arrivals, plan.rate, plan.duration, weights)),
            pending: (0..lanes).map(|_| Cell::new(None)).collect(),
            histograms: RefCell::new(vec![OutcomeHistograms::default(); plan.methods.len()]),
            send_delays: RefCell::default(),
            waited_for_connection: Cell::new(0),
            interval: RefCell::default(),
            intervals: RefCell::default(),
            recent_latencies: RefCell::default(),
        }
    }

    async fn run_calls(&self, LanePool { lanes, drivers }: LanePool, stop: impl Future + Unpin) {
        let lanes = lanes.into_iter().zip(&self.pending).map(|(lane, pending)| self.run_lane(lane, pending));
        let lanes: FuturesUnordered<_> = lanes.collect();
        let lanes = lanes.for_each(|()| std::future::ready(()));
        let drivers: FuturesUnordered<_> = drivers.into_iter().collect();
        // Those never complete, unless there are none.
        let drivers = drivers.for_each(|()| std::future::ready(())).then(|()| pending::<()>());
        // The lanes are first, so that the calls of the same moment are sent together.
        let mut all = select(lanes, drivers);
        let last = self.start + self.plan.duration + self.plan.drain_timeout;
        match select(&mut all, select(Timer::at(last), stop)).await {
            Either::Left(_) | Either::Right((Either::Left(_), _)) => {}
            Either::Right((Either::Right(_), _)) => {
                self.schedule.borrow_mut().end_at(self.start.elapsed());
                select(all, Timer::after(STOP_TIMEOUT)).await;
            }
        }
    }

    /// Takes the next call of the schedule whenever the lane is free, waits until the call is
    /// due, and makes it. A call that is due already is made at once, and its wait counts.
    async fn run_lane(&self, mut lane: Lane, pending: &Cell<Option<Arrival>>) {
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
            let outcome = lane.call(arrival.method).await;
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
            in_flight: self.plan.in_flight,
            load_duration: schedule.end().min(elapsed),
            elapsed,
            methods: methods.zip(histograms).collect(),
            send_delays: self.send_delays.into_inner(),
            waited_for_connection: self.waited_for_connection.get(),
            intervals: self.intervals.into_inner(),
        }
    }
}
