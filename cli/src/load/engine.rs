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

use super::connection::Line;
use super::outcome::Outcome;
use super::report::{Report, Stretch};
use super::schedule::{Arrival, Schedule};
use super::tally::{Latencies, Tally};
use super::{Plan, Progress};

/// Longer than any connection takes to a server that has not too many of them.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// Connections that are begun at once, so that the server's backlog is not the first thing to overflow.
const CONNECTING: usize = 32;

/// How long answers are waited for after a stop.
const STOPS_WITHIN: Duration = Duration::from_secs(1);

/// How often the figures over time are taken.
const STRETCH: Duration = Duration::from_millis(250);

/// All that the lines share; they are futures on one thread.
struct Engine<'a> {
    plan: &'a Plan,
    begin: Instant,
    schedule: RefCell<Schedule>,
    /// What each line has taken from the schedule, and is not done with.
    held: Vec<Cell<Option<Arrival>>>,
    tallies: RefCell<Vec<Tally>>,
    /// How late the load itself was, for the calls that did not have to wait for a connection.
    late: RefCell<Latencies>,
    /// Calls for which no line was free when they were due.
    waited: Cell<u64>,
    stretch: RefCell<Stretch>,
    stretches: RefCell<Vec<Stretch>>,
    recent: RefCell<Latencies>,
}

/// Makes the calls and waits for their ends.
pub(super) fn run(plan: &Plan, stop: oneshot::Receiver<()>, progress: &Mutex<Progress>) -> io::Result<Report> {
    async_io::block_on(async {
        let mut stop = pin!(stop);
        let lines = match select(pin!(connect(plan)), stop.as_mut()).await {
            Either::Left((lines, _)) => lines?,
            Either::Right(_) => Vec::new(),
        };
        let engine = Engine::new(plan, lines.len());
        let calls = engine.calls(lines, stop.as_mut());
        match select(pin!(calls), pin!(engine.show(progress))).await {
            Either::Left(((), _)) | Either::Right(((), _)) => {}
        }
        Ok(engine.into_report())
    })
}

/// All connections of a plan; those that fail are tried again when a call is due for them.
async fn connect(plan: &Plan) -> io::Result<Vec<Line>> {
    let connecting = stream::iter(0..plan.connections).map(|_| async {
        let mut line = Line::new(plan.target.address());
        let connected = match select(pin!(line.connect()), Timer::after(CONNECTS_WITHIN)).await {
            Either::Left((connected, _)) => connected,
            Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        (line, connected)
    });
    let (lines, connected): (Vec<_>, Vec<_>) = connecting.buffer_unordered(CONNECTING).unzip().await;
    if connected.iter().any(Result::is_ok) {
        return Ok(lines);
    }
    connected.into_iter().find_map(Result::err).map_or(Ok(lines), Err)
}

impl<'a> Engine<'a> {
    fn new(plan: &'a Plan, lines: usize) -> Self {
        let weights = plan.kinds.iter().map(|kind| kind.weight);
        Self {
            plan,
            // The lines are not polled for the first time in no time.
            begin: Instant::now() + Duration::from_millis(5),
            schedule: RefCell::new(Schedule::new(plan.arrivals, plan.rate, plan.duration, weights)),
            held: (0..lines).map(|_| Cell::new(None)).collect(),
            tallies: RefCell::new(vec![Tally::default(); plan.kinds.len()]),
            late: RefCell::default(),
            waited: Cell::new(0),
            stretch: RefCell::default(),
            stretches: RefCell::default(),
            recent: RefCell::default(),
        }
    }

    async fn calls(&self, lines: Vec<Line>, stop: impl Future + Unpin) {
        let lines = lines.into_iter().zip(&self.held).map(|(line, held)| self.drive(line, held));
        let lines: FuturesUnordered<_> = lines.collect();
        let mut all = lines.for_each(|()| std::future::ready(()));
        let last = self.begin + self.plan.duration + self.plan.patience;
        match select(&mut all, select(Timer::at(last), stop)).await {
            Either::Left(_) | Either::Right((Either::Left(_), _)) => {}
            Either::Right((Either::Right(_), _)) => {
                self.schedule.borrow_mut().end_at(self.begin.elapsed());
                select(all, Timer::after(STOPS_WITHIN)).await;
            }
        }
    }

    /// Takes the next call of the schedule whenever the line is free: then it waits for its time, or is late already.
    async fn drive(&self, mut line: Line, held: &Cell<Option<Arrival>>) {
        loop {
            let next = self.schedule.borrow_mut().next();
            let Some(arrival) = next else { return };
            held.set(Some(arrival));
            let due = self.begin + arrival.due;
            if Instant::now() < due {
                Timer::at(due).await;
                // A stop may have come in between.
                if !self.schedule.borrow().has(arrival) {
                    held.set(None);
                    return;
                }
                self.late.borrow_mut().record(due.elapsed());
            } else {
                self.waited.set(self.waited.get() + 1);
            }
            let outcome = line.call(&self.plan.kinds[arrival.kind].request).await;
            held.set(None);
            self.record(arrival, outcome, due.elapsed());
        }
    }

    fn record(&self, arrival: Arrival, outcome: Outcome, latency: Duration) {
        self.tallies.borrow_mut()[arrival.kind].record(outcome, latency);
        self.recent.borrow_mut().record(latency);
        let mut stretch = self.stretch.borrow_mut();
        if outcome == Outcome::Result { stretch.results += 1 } else { stretch.errors += 1 }
    }

    /// Takes the figures over time, and tells them. Ends never.
    async fn show(&self, progress: &Mutex<Progress>) {
        let mut end = self.begin;
        loop {
            end += STRETCH;
            Timer::at(end).await;
            let stretch = self.end_stretch();
            let mut progress = progress.lock();
            progress.elapsed = stretch.end;
            progress.results += stretch.results;
            progress.errors += stretch.errors;
            progress.rate = stretch.rate();
            progress.p99 = stretch.p99;
            drop(progress);
            self.stretches.borrow_mut().push(stretch);
        }
    }

    fn end_stretch(&self) -> Stretch {
        let mut recent = self.recent.borrow_mut();
        let mut stretch = self.stretch.take();
        stretch.end = self.begin.elapsed();
        let before = self.stretches.borrow().last().map_or(Duration::ZERO, |before| before.end);
        stretch.length = stretch.end - before;
        (stretch.p50, stretch.p99) = (recent.quantile(0.5), recent.quantile(0.99));
        recent.clear();
        stretch
    }

    fn into_report(self) -> Report {
        let last = self.end_stretch();
        let elapsed = last.end;
        self.stretches.borrow_mut().push(last);
        let mut tallies = self.tallies.into_inner();
        let mut schedule = self.schedule.into_inner();
        schedule.end_at(elapsed);
        // Who is without an answer has waited at least until now.
        for arrival in self.held.iter().filter_map(Cell::get).filter(|arrival| schedule.has(*arrival)) {
            tallies[arrival.kind].record(Outcome::NoAnswer, elapsed.saturating_sub(arrival.due));
        }
        for arrival in &mut schedule {
            tallies[arrival.kind].record(Outcome::NotSent, elapsed.saturating_sub(arrival.due));
        }
        let methods = self.plan.kinds.iter().map(|kind| kind.method.clone());
        Report {
            url: self.plan.target.to_string(),
            rate: self.plan.rate,
            connections: self.plan.connections,
            loaded: schedule.end().min(elapsed),
            elapsed,
            methods: methods.zip(tallies).collect(),
            late: self.late.into_inner(),
            waited: self.waited.get(),
            stretches: self.stretches.into_inner(),
        }
    }
}
