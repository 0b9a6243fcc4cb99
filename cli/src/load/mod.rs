//! Open-loop load over HTTP/1.1: calls are due on a schedule, whatever became of those before, and a call's latency counts from
//! the moment at which it was due. So a server that stalls cannot hide it by slowing its callers down.
//!
//! It is not the client of the library: that is made to be kind to a server, with retries and pools, and takes several times
//! the time on a processor for a call; what the load takes, a server on the same machine does not get. Sockets and timers are
//! async-io's, as those of tokio are up to a millisecond late; `httparse` reads the answers' heads.

mod charts;
mod connection;
mod engine;
mod live;
mod outcome;
mod report;
mod schedule;
mod table;
mod tally;
mod target;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use parking_lot::Mutex;

pub use charts::by_percentile;
pub use live::{Ended, run};
pub use outcome::Outcome;
pub use report::Report;
pub use schedule::Arrivals;
pub use table::table;
pub use target::Target;
pub use wire::request;

/// What is to be done to whom.
#[derive(Debug)]
pub struct Plan {
    pub target: Target,
    pub kinds: Vec<Kind>,
    /// Calls a second.
    pub rate: f64,
    pub arrivals: Arrivals,
    pub duration: Duration,
    pub connections: usize,
    /// How long answers are waited for once the last call was due.
    pub patience: Duration,
}

/// Calls of one kind; each is the same.
#[derive(Clone, Debug)]
pub struct Kind {
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
struct Run {
    progress: Arc<Mutex<Progress>>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

/// What a run has shown, once it is over; an error if no connection could be had at all.
type ReportToCome = BoxFuture<'static, io::Result<Report>>;

impl Run {
    /// Connects, and begins when that is done.
    fn start(plan: Plan) -> io::Result<(Self, ReportToCome)> {
        let progress = Arc::<Mutex<Progress>>::default();
        let (stop, stopped) = oneshot::channel();
        let (tell, done) = oneshot::channel();
        let shown = Arc::clone(&progress);
        std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            // Nobody listens any more if the command has ended.
            let _ = tell.send(engine::run(&plan, stopped, &shown));
        })?;
        let report = async { done.await.map_err(|_| io::Error::other("the thread of the load has ended"))? };
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
