//! The servers that this program can be: services that call each other in every way.

use std::process::{ExitCode, Termination};

use callbox::client::Client;
use callbox::{CallContext, RpcError, Server, TraceContext, service};
use callbox_test_support::program::{Program, ROLE, RunningProgram};
use callbox_test_support::roles::GOOD_TOKEN;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The variable with the URL of the other process.
const FAR: &str = "FAR_ADDRESS";

/// Runs the server of this program's role until it stops. Returns `None` if it has none of these.
pub(crate) fn run() -> Option<ExitCode> {
    let front = || Server::new(|| Front).service(|| Near).tokens(|token: &str| token == GOOD_TOKEN);
    let server = match std::env::var(ROLE).ok()?.as_str() {
        "front" => {
            let far = format!("http://{}/api", std::env::var(FAR).unwrap_or_else(|_| "127.0.0.1:1".to_owned()));
            let far = Client::builder(far).build().expect("a URL");
            front().with_client(FarClient::from(far))
        }
        "far" => Server::new(|| Far),
        "own subscriber" => {
            let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
            let spans = callbox::otel::layer("own").expect("good variables");
            tracing_subscriber::registry().with(lines).with(spans).init();
            front().with_client(FarClient::from(Client::builder("http://127.0.0.1:1").build().expect("a URL")))
        }
        "subscriber without the layer" => {
            tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
            Server::new(|| Far)
        }
        _ => return None,
    };
    Some(server.with_args().start().report())
}

/// Starts a server which exports to `collector`, if there is one, and calls `far`, if there is one.
pub(crate) fn start(
    role: &str,
    collector: Option<&str>,
    far: Option<&RunningProgram>,
    variables: &[(&str, &str)],
) -> RunningProgram {
    start_with(role, &["--port", "0"], collector, far, variables)
}

/// The same with these arguments.
pub(crate) fn start_with(
    role: &str,
    args: &[&str],
    collector: Option<&str>,
    far: Option<&RunningProgram>,
    variables: &[(&str, &str)],
) -> RunningProgram {
    // Spans are exported soon, unless a variable says otherwise.
    let mut program = Program::with_role(role, args).env("OTEL_BSP_SCHEDULE_DELAY", "20");
    if let Some(collector) = collector {
        program = program.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector);
    }
    if let Some(far) = far {
        program = program.env(FAR, &far.address().to_string());
    }
    variables.iter().fold(program, |program, (name, value)| program.env(name, value)).start()
}

/// Returns the context that calls of a method have.
fn current() -> Option<String> {
    TraceContext::current().map(|trace| trace.traceparent())
}

struct Front;

#[service(name = "test.front", namespace = "front")]
impl Front {
    #[public_method]
    fn context(&self) -> Option<String> {
        current()
    }

    #[public_method(inline = false)]
    fn queued(&self) {}

    #[public_method]
    fn line(&self) {
        tracing::info!("a line of front");
    }

    #[public_method]
    fn refuse(&self, secret: Option<String>) -> Result<(), RpcError> {
        let _ = secret;
        Err(RpcError::new(7, "no"))
    }

    #[public_method]
    fn panics(&self) {
        panic!("on purpose")
    }

    #[private_api_method]
    fn whisper(&self) {}

    #[public_method]
    async fn with_span(&self) -> u8 {
        let span = tracing::info_span!("inner", number = 7);
        let _entered = span.enter();
        1
    }

    #[public_method]
    async fn ask_near(&self, near: &NearClient) -> Result<Option<String>, RpcError> {
        Ok(near.context().await?)
    }

    /// Near may run after this has ended.
    #[public_method]
    async fn tell_near(&self, near: &NearClient) -> Result<(), RpcError> {
        Ok(near.notify(near.context()).await?)
    }

    #[public_method]
    async fn ask_far(&self, far: &FarClient) -> Option<String> {
        far.context().await.expect("far is there")
    }

    /// Knows of no service that it calls.
    #[public_method]
    async fn ask_by_socket(&self) -> Option<String> {
        let address = std::env::var(FAR).expect("an address");
        let client = Client::connect(format!("ws://{address}/api")).await.expect("far is there");
        client.call("far.context", ()).await.expect("far answers")
    }
}

struct Near;

#[service(name = "test.near", namespace = "near")]
impl Near {
    #[public_method]
    fn context(&self) -> Option<String> {
        tracing::info!("a line of near");
        current()
    }
}

struct Far;

#[service(name = "test.far", namespace = "far")]
impl Far {
    #[public_method]
    fn context(&self, call: &CallContext) -> Option<String> {
        tracing::info!(transport = ?call.transport(), "a line of far");
        current()
    }
}
