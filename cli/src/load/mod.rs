//! Open-loop load over HTTP/1.1: calls are due on a schedule, whatever became of those before, and a call's latency counts from
//! the moment at which it was due. So a server that stalls cannot hide it by slowing its callers down.
//!
//! It is not the client of the library: that is made to be kind to a server, with retries and pools, and takes several times
//! the time on a processor for a call; what the load takes, a server on the same machine does not get. Sockets and timers are
//! async-io's, as those of tokio are up to a millisecond late; `httparse` reads the answers' heads.

mod charts;
mod connection;
mod generator;
mod histogram;
mod http1;
mod outcome;
mod progress_bar;
mod report;
mod schedule;
mod table;
mod target;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use parking_lot::Mutex;

pub use charts::by_percentile;
pub use http1::build_request;
pub use outcome::Outcome;
pub use progress_bar::{RunResult, run};
pub use report::Report;
pub use schedule::Arrivals;
pub use table::render_table;
pub use target::Target;

/// What is to be done to whom.
#[derive(Debug)]
pub struct Plan {
    pub target: Target,
    pub methods: Vec<MethodLoad>,
    /// Calls a second.
    pub rate: f64,
    pub arrivals: Arrivals,
    pub duration: Duration,
    pub connections: usize,
    /// How long answers are waited for once the last call was due.
    pub drain_timeout: Duration,
}

/// Calls of one kind; each is the same.
#[derive(Clone, Debug)]
pub struct MethodLoad {
    pub method: String,
    pub weight: f64,
    /// As [`request`] writes it.
    pub request: Vec<u8>,
}

/// How far a run has come.
#[derive(Clone, Debug, Default)]
struct Progress {
    elapsed: Duration,
    results: u64,
    /// All other ends of calls.
    errors: u64,
    /// Calls that ended lately, a second.
    rate: f64,
    /// Of those.
    p99: Option<Duration>,
}

/// A run on a thread of its own.
#[derive(Debug)]
struct LoadThread {
    progress: Arc<Mutex<Progress>>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

/// What a run has shown, once it is over; an error if no connection could be had at all.
type ReportFuture = BoxFuture<'static, io::Result<Report>>;

impl LoadThread {
    /// Connects, and begins when that is done.
    fn start(plan: Plan) -> io::Result<(Self, ReportFuture)> {
        let progress = Arc::<Mutex<Progress>>::default();
        let (stop, stop_receiver) = oneshot::channel();
        let (sender, receiver) = oneshot::channel();
        let thread_progress = Arc::clone(&progress);
        std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            // Nobody listens any more if the command has ended.
            let _ = sender.send(generator::run(&plan, stop_receiver, &thread_progress));
        })?;
        let report = async { receiver.await.map_err(|_| io::Error::other("the thread of the load has ended"))? };
        Ok((Self { progress, stop: Mutex::new(Some(stop)) }, report.boxed()))
    }

    fn progress(&self) -> Progress {
        self.progress.lock().clone()
    }

    /// Lets no further call be due. What is under way has a second for its answer.
    fn stop(&self) {
        // It fails once the run is over by itself.
        let _ = self.stop.lock().take().map(|stop| stop.send(()));
    }
}
