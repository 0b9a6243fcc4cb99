//! The subjects: servers with the same methods and the same subscription, each as its users would
//! write it, in its own process.

mod bare;
mod callbox;
mod jsonrpsee;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use callbox_benches::layout::CoreAssignment;
use callbox_benches::server_process::ServerProcess;

/// Number of items that a server keeps for each subscriber, the default of `Topic`.
pub(crate) const CAPACITY: usize = 1024;

/// The server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Callbox,
    Jsonrpsee,
    /// One thread that does nothing but write.
    Bare,
}

/// An item of the subscription `prices`.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Price {
    /// Number of the item, from 1 on. It is the first member, so that a client finds it at the same
    /// place of each message.
    pub(crate) number: u64,
    /// When it was published, in nanoseconds of [`now`].
    pub(crate) at: u64,
    pub(crate) symbol: String,
    pub(crate) value: f64,
    /// Makes the item as large as wanted.
    pub(crate) note: String,
}

/// What has become of the calls of `sleep` and `watch`, which are known by their arguments.
#[derive(Clone, Copy, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Sleeper {
    /// The last call that has begun.
    pub(crate) begun: u64,
    /// The last call whose future or stream was dropped.
    pub(crate) dropped: u64,
    /// When it was dropped, in nanoseconds of [`now`].
    pub(crate) dropped_at: u64,
}

impl Price {
    /// Creates an item that is published now.
    fn now(number: u64, length: usize) -> Self {
        let note = "x".repeat(length);
        Self { number, at: now(), symbol: "ACME".to_owned(), value: 42.5, note }
    }
}

impl Subject {
    pub(crate) const BOTH: [Self; 2] = [Self::Callbox, Self::Jsonrpsee];

    const ALL: [Self; 3] = [Self::Callbox, Self::Jsonrpsee, Self::Bare];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Callbox => "callbox",
            Self::Jsonrpsee => "jsonrpsee",
            Self::Bare => "bare",
        }
    }

    /// Starts the server on the cores that the load leaves to it. It keeps `capacity` items for
    /// each subscriber.
    pub(crate) fn start(self, assignment: &CoreAssignment, capacity: usize) -> io::Result<ServerProcess> {
        ServerProcess::start(&[self.name(), &assignment.cores, &capacity.to_string()])
    }
}

/// Runs the server of this name with this number of threads for its connections, until it is
/// killed.
pub(crate) fn serve(name: &str, workers: usize, capacity: usize) -> ExitCode {
    match Subject::ALL.into_iter().find(|subject| subject.name() == name) {
        Some(Subject::Callbox) => callbox::serve(workers, capacity),
        Some(Subject::Jsonrpsee) => jsonrpsee::serve(workers, capacity),
        Some(Subject::Bare) => {
            if let Err(error) = bare::serve() {
                println!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
        None => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

/// Returns the time since the start of the system in nanoseconds, which all processes share.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Prints the address, for the process that started this one.
fn print_address(address: SocketAddr) {
    println!("{address}");
}
