//! The built-in service, in its own process: this program again, with another argument.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio, Termination};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use callbox::service;

/// The argument that makes this program the server.
pub(crate) const ROLE: &str = "serve";

/// A valid token.
pub(crate) const TOKEN: &str = "stress";

/// Maximum time until the server listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Default)]
struct StressService {
    count: u64,
}

#[service(name = "stressed")]
impl StressService {
    /// Costs almost nothing, and shares the state.
    #[public_method]
    fn say_hello(&self, name: String) -> String {
        format!("hello {name}")
    }

    /// Costs almost nothing, with exclusive access to the state.
    #[public_method]
    fn inc(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Waits, so that many such calls overlap.
    #[public_method]
    async fn wait(&self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    /// Holds the thread of the service for a millisecond, so a thousand calls per second are the
    /// maximum.
    #[public_method]
    fn work(&mut self) -> u64 {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        self.count
    }
}

/// Returns the parameters that a method of the built-in service needs.
pub(crate) fn params(method: &str) -> &'static str {
    if method == "say_hello" { r#"{"name":"world"}"# } else { "" }
}

/// Runs the server to its end.
pub(crate) fn serve() -> ExitCode {
    let server = callbox::Server::new(StressService::default).tokens(|token: &str| token == TOKEN).bind("127.0.0.1:0");
    server.max_connections_per_peer(20_000).start().report()
}

/// The process of the server, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Starts the process, and returns once the server listens.
    pub(crate) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let log = process.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut server = Self { process, url: String::new() };
        let (sender, receiver) = channel();
        // The log is read to its end, so that the server never blocks on it.
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let at = line.find("http://").filter(|_| line.contains("listening"));
                let url = at.and_then(|at| line[at..].split(|c: char| c.is_whitespace() || c == '"').next());
                // This fails after the first URL.
                let _ = url.map(|url| sender.send(url.to_owned()));
            }
        });
        let address = receiver.recv_timeout(START_TIMEOUT);
        server.url = address.map_err(|_| io::Error::other("the server did not print its address"))?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // This fails if the server has exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
