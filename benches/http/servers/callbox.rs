//! callbox with its defaults, and with every call through the actor.

use std::process::ExitCode;

use callbox::{Placement, Server, service, testing};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::{mark_on_request, methods, print_address};

#[derive(Default)]
struct Bench {
    count: u64,
}

#[service(name = "bench.http")]
impl Bench {
    #[public_method]
    fn ping(&self) -> bool {
        true
    }

    #[public_method]
    fn count(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    // Sixteen batches of a hundred are more than the 1,024 queued calls of the default.
    #[public_method(mailbox = 4096)]
    fn add(&self, a: i64, b: i64) -> i64 {
        methods::add(a, b)
    }

    #[public_method]
    fn total(&self, values: Vec<f64>) -> f64 {
        methods::total(&values)
    }

    #[public_method]
    fn text(&self, length: usize) -> String {
        methods::text(length)
    }
}

pub(crate) fn serve(placement: Placement, workers: usize) {
    let server = Server::new(Bench::default).placement(placement).workers(workers).max_connections(20_000);
    let server = server.max_connections_per_peer(20_000);
    let server = testing::start(server);
    print_address(server.address());
    let service = server.service::<Bench>();
    mark_on_request(|| service.stats().iter().map(|method| method.inline).sum());
    loop {
        std::thread::park();
    }
}

/// The same with spans that are exported as the variables of OpenTelemetry say.
pub(super) fn serve_traced(workers: usize) -> ExitCode {
    match ::callbox::otel::layer("bench") {
        Ok(spans) => tracing_subscriber::registry().with(spans).init(),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    serve(Placement::Inline, workers);
    ExitCode::SUCCESS
}
