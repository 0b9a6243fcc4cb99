//! The subjects: servers with the same five methods, each as its users would write it, in its own
//! process.
//!
//! All have as many threads for their connections as they have cores.

mod actix_web;
mod axum;
mod callbox;
mod jsonrpsee;
mod methods;
mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::process::ExitCode;

use serde::Serialize;

/// The server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Subject {
    /// A bare actix-web handler with a hand-written borrowed parse: the ceiling.
    Bare,
    Callbox,
    /// callbox with the layer that exports spans, as the variables of OpenTelemetry say: not at all
    /// without any.
    CallboxTraced,
    /// callbox with every call through its mailbox to the actor.
    CallboxActor,
    /// An actix-web handler that sends each call to a plain actix actor.
    AddrSend,
    Jsonrpsee,
    Axum,
    /// The ceiling again: differences between the two are noise.
    BareAgain,
}

impl Subject {
    /// The servers that the workloads compare.
    pub(crate) const ALL: [Self; 7] =
        [Self::Bare, Self::Callbox, Self::CallboxActor, Self::AddrSend, Self::Jsonrpsee, Self::Axum, Self::BareAgain];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare actix-web",
            Self::Callbox => "callbox",
            Self::CallboxTraced => "callbox with traces",
            Self::CallboxActor => "callbox, Placement::Actor",
            Self::AddrSend => "actix addr.send",
            Self::Jsonrpsee => "jsonrpsee",
            Self::Axum => "axum by hand",
            Self::BareAgain => "bare actix-web, again",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Runs the server of this name with this number of threads for its connections, until it is
/// killed.
pub(crate) fn serve(name: &str, workers: usize) -> ExitCode {
    let subjects = Subject::ALL.into_iter().chain([Subject::CallboxTraced]);
    let subject = subjects.into_iter().find(|subject| subject.name() == name);
    if !matches!(subject, Some(Subject::Callbox | Subject::CallboxTraced | Subject::CallboxActor)) {
        std::thread::spawn(|| mark_on_request(|| 0));
    }
    match subject {
        Some(Subject::Bare | Subject::BareAgain) => actix_web::bare(workers),
        Some(Subject::AddrSend) => actix_web::addr_send(workers),
        Some(Subject::Callbox) => callbox::serve(::callbox::Placement::Inline, workers),
        Some(Subject::CallboxTraced) => return callbox::serve_traced(workers),
        Some(Subject::CallboxActor) => callbox::serve(::callbox::Placement::Actor, workers),
        Some(Subject::Jsonrpsee) => jsonrpsee::serve(workers),
        Some(Subject::Axum) => axum::serve(workers),
        None => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

/// The function whose calls are marks in the files of callgrind.
pub(crate) const MARK: &str = "http::servers::mark";

/// For each line on standard input, makes two marks, reads the number of calls that ran inline
/// since the start between them, and prints it.
fn mark_on_request(inline: impl Fn() -> u64) {
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        mark();
        let inline = inline();
        mark();
        println!("{inline}");
    }
}

#[inline(never)]
fn mark() {
    // Without a body of its own it would be merged with other empty functions.
    std::hint::black_box(MARK);
}

/// Prints the address, for the process that started this one.
fn print_address(address: SocketAddr) {
    println!("{address}");
}
