//! The instances, each in its own process: of callbox, and a bare one that knows nothing of it.

use std::io::{self, Write};
use std::net::TcpListener;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use actix_web::{App, HttpServer};
use callbox::{Server, service};
use callbox_benches::server_process::ServerProcess;
use callbox_test_support::nats_server::NatsServer;
use futures::StreamExt;
use tokio::signal::unix::{SignalKind, signal};

/// What an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Callbox,
    Bare,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Callbox => "callbox",
            Self::Bare => "bare",
        }
    }

    /// Starts an instance whose method `work` takes so long.
    pub(crate) fn start(self, nats: &NatsServer, work: Duration) -> io::Result<ServerProcess> {
        let arguments = [self.name(), &nats.url(), &work.as_micros().to_string()];
        // Their lines would stand among the figures.
        ServerProcess::start_with(&arguments, &[("RUST_LOG", "error")], Stdio::inherit())
    }

    /// Starts one instance for each of these times.
    pub(crate) fn start_all<const N: usize>(
        self,
        nats: &NatsServer,
        work: [Duration; N],
    ) -> io::Result<Vec<ServerProcess>> {
        work.into_iter().map(|work| self.start(nats, work)).collect()
    }
}

/// A service of two methods.
struct Work {
    time: Duration,
}

#[service(name = "work")]
impl Work {
    #[public_method]
    fn ping(&self) -> bool {
        true
    }

    #[public_method(mailbox = 10_000)]
    fn work(&mut self) -> bool {
        std::thread::sleep(self.time);
        true
    }
}

/// The subjects of both methods.
pub(crate) const PING: &str = "callbox.work.ping";
pub(crate) const WORK: &str = "callbox.work.work";

/// Runs an instance until the process is asked to stop.
pub(crate) fn serve(mut args: impl Iterator<Item = String>) -> ExitCode {
    let mut next = || args.next().unwrap_or_default();
    let (kind, url, micros) = (next(), next(), next());
    let work = Duration::from_micros(micros.parse().unwrap_or_default());
    let served = match &*kind {
        "callbox" => actix::System::new().block_on(callbox(&url, work)),
        _ => bare(&url, work).map_err(callbox::BoxError::from),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn callbox(url: &str, time: Duration) -> Result<(), callbox::BoxError> {
    let callbox = Server::new(move || Work { time }).nats(url).launch().await?;
    let routes = callbox.clone();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let http = HttpServer::new(move || App::new().configure(routes.routes())).workers(1).disable_signals();
    let http = http.listen(listener)?.run();
    let handle = http.handle();
    actix::spawn(http);
    say(address)?;
    signal(SignalKind::terminate())?.recv().await;
    callbox.stop().await?;
    handle.stop(false).await;
    Ok(())
}

/// A responder as the documentation of the client of NATS shows it, one call after the other.
fn bare(url: &str, time: Duration) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = async_nats::connect(url).await.map_err(io::Error::other)?;
        let group = || "q".to_owned();
        let mut pings = client.queue_subscribe(PING, group()).await.map_err(io::Error::other)?;
        let mut works = client.queue_subscribe(WORK, group()).await.map_err(io::Error::other)?;
        client.flush().await.map_err(io::Error::other)?;
        say(([127, 0, 0, 1], 1).into())?;
        loop {
            let call = tokio::select! {
                ping = pings.next() => ping,
                work = works.next() => {
                    std::thread::sleep(time);
                    work
                }
            };
            let Some(call) = call else { return Ok(()) };
            if let Some(reply) = call.reply {
                client.publish(reply, "true".into()).await.map_err(io::Error::other)?;
            }
        }
    })
}

/// Prints the address of this instance, which says that it has started.
fn say(address: std::net::SocketAddr) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{address}")?;
    out.flush()
}
