//! A service that fails, and logs that cannot be written.

use std::io::Write;
use std::process::ExitCode;

use callbox::{InternalError, RpcError, Server, service};

/// Fails in every way, with Rust's own panic hook.
pub(super) struct Fragile;

#[service(name = "test.fragile")]
impl Fragile {
    #[public_method]
    fn echo(&self, text: String) -> String {
        text
    }

    #[public_method]
    fn panics(&self) {
        panic!("on purpose");
    }

    #[public_method]
    fn panics_alone(&mut self) {
        panic!("on purpose");
    }

    #[public_method]
    async fn panics_later(&self) {
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    #[public_method(compute)]
    fn panics_computing() {
        panic!("on purpose");
    }

    #[public_method]
    fn fail(&self) -> Result<(), InternalError> {
        Err(InternalError::new("on purpose"))
    }

    #[public_method(deadline = "10ms")]
    async fn never(&self) {
        std::future::pending::<()>().await;
    }
}

/// A subscriber with a fault.
struct Faulty;

impl tracing::Subscriber for Faulty {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        // The server's own threads do not catch what other crates log.
        assert!(!event.metadata().target().starts_with("callbox"), "it cannot be written");
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// Sets up a log that panics.
pub(super) fn faulty_log() {
    tracing::subscriber::set_global_default(Faulty).expect("there is no other");
}

/// Services without a server of callbox's own; prints what a failed call was answered.
pub(super) fn launched() -> ExitCode {
    let answer = actix_web::rt::System::new().block_on(async {
        let running = Server::new(|| Fragile).launch().await.expect("they start");
        let answer = running.service::<Fragile>().expect("it is there").call(Fragile_Fail {}).await;
        running.stop().await.expect("every method ends");
        answer
    });
    print_data(&answer.expect_err("it fails"))
}

/// A service in a test; prints what a failed call was answered.
pub(super) fn tested() -> ExitCode {
    print_data(&callbox::testing::in_process(|| Fragile).call(Fragile_Fail {}).expect_err("it fails"))
}

fn print_data(error: &RpcError) -> ExitCode {
    writeln!(std::io::stdout(), "{}", error.data().expect("an id").get()).expect("somebody reads it");
    ExitCode::SUCCESS
}
