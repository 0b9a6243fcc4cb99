//! Open-loop load over HTTP/1.1, WebSockets or NATS.
//!
//! Calls are due on a schedule, regardless of the outcome of earlier calls, and the latency of a
//! call counts from the moment at which it was due. So a server that stalls cannot hide it by
//! slowing its callers down.
//!
//! Over HTTP and WebSockets this is not `callbox::client`: that client is kind to a server, with
//! retries and pools, and needs several times as much CPU time per call. What the load uses, a
//! server on the same machine does not get. Sockets and timers are those of async-io, because
//! tokio's timers are up to a millisecond late; `httparse` parses the heads of responses.
//!
//! A `lane` has one call at a time. Over HTTP it is a `connection`. A WebSocket, which is a
//! `socket` after its `upgrade`, has several lanes, and sends the calls of the same moment
//! together. A connection to NATS has several lanes as well, and its `nats_calls` are those of the
//! client: its thread does the sending in any case.

mod charts;
mod connection;
mod frames;
mod generator;
mod histogram;
mod http1;
mod lane;
mod nats_calls;
mod nats_target;
mod outcome;
mod progress_bar;
mod report;
mod schedule;
mod socket;
mod table;
mod target;
mod upgrade;
mod web_target;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use parking_lot::Mutex;

pub use charts::by_percentile;
pub use nats_target::NatsTarget;
pub use outcome::Outcome;
pub use progress_bar::{RunResult, run};
pub use report::Report;
pub use schedule::Arrivals;
pub use table::render_table;
pub use target::{Target, TargetError};
pub use web_target::WebTarget;

/// A load: which calls to make, how often, and where.
#[derive(Debug)]
pub struct Plan {
    /// The server to call.
    pub target: Target,
    /// The methods to call, with their weights.
    pub methods: Vec<MethodLoad>,
    /// Calls per second.
    pub rate: f64,
    /// How calls follow each other.
    pub arrivals: Arrivals,
    /// For how long calls are due.
    pub duration: Duration,
    /// Number of connections.
    pub connections: usize,
    /// Number of calls that each connection carries at a time. Over HTTP it has to be 1.
    pub in_flight: usize,
    /// Headers of each request, or of the one that opens a WebSocket: names and values. Over NATS
    /// there are none.
    pub headers: Vec<(String, String)>,
    /// Maximum time to wait for responses after the last call was due.
    pub drain_timeout: Duration,
}

/// The calls of one method, which are all the same.
#[derive(Clone, Debug)]
pub struct MethodLoad {
    /// The name of the method.
    pub method: String,
    /// The share of this method in all calls, relative to the weights of the others.
    pub weight: f64,
    /// The parameters as JSON. Empty if there are none.
    pub params: String,
}

/// The progress of a run.
#[derive(Clone, Debug, Default)]
struct Progress {
    elapsed: Duration,
    results: u64,
    /// Number of calls that ended without a result.
    errors: u64,
    /// Rate of the calls that ended in the last interval, per second.
    rate: f64,
    /// 99th percentile of their latency.
    p99: Option<Duration>,
}

/// A run on its own thread.
#[derive(Debug)]
struct LoadThread {
    progress: Arc<Mutex<Progress>>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

/// The report of a run, once it is over; an error if no connection could be opened.
type ReportFuture = BoxFuture<'static, io::Result<Report>>;

impl LoadThread {
    /// Starts the thread, which opens the connections and then begins the run.
    fn start(plan: Plan) -> io::Result<(Self, ReportFuture)> {
        let progress = Arc::<Mutex<Progress>>::default();
        let (stop, stop_receiver) = oneshot::channel();
        let (sender, receiver) = oneshot::channel();
        let thread_progress = Arc::clone(&progress);
        std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            // This fails only if the command has ended.
            let _ = sender.send(generator::run(&plan, stop_receiver, &thread_progress));
        })?;
        let report = async { receiver.await.map_err(|_| io::Error::other("the thread of the load has ended"))? };
        Ok((Self { progress, stop: Mutex::new(Some(stop)) }, report.boxed()))
    }

    fn progress(&self) -> Progress {
        self.progress.lock().clone()
    }

    /// Ends the schedule. Calls in progress have one more second for their responses.
    fn stop(&self) {
        // This fails if the run has ended already.
        let _ = self.stop.lock().take().map(|stop| stop.send(()));
    }
}
