//! The service that is there when no other one is named, in a process of its own: this program once more.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio, Termination};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use callbox::service;

/// The argument that makes this program the server.
pub(crate) const ROLE: &str = "serve";

/// A token that is good.
pub(crate) const TOKEN: &str = "stress";

/// A start takes no longer on any machine that can be measured.
const START_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Default)]
struct StressService {
    count: u64,
}

#[service(name = "stressed")]
impl StressService {
    /// Costs next to nothing, and shares the state.
    #[public_method]
    fn say_hello(&self, name: String) -> String {
        format!("hello {name}")
    }

    /// Costs next to nothing, and is alone with the state.
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

    /// Holds the service's thread: a thousand a second are all that it can do.
    #[public_method]
    fn work(&mut self) -> u64 {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        self.count
    }
}

/// The parameters that a method of it needs.
pub(crate) fn params(method: &str) -> &'static str {
    if method == "say_hello" { r#"{"name":"world"}"# } else { "" }
}

/// Runs the server to its end.
pub(crate) fn serve() -> ExitCode {
    let server = callbox::Server::new(StressService::default).tokens(|token: &str| token == TOKEN).bind("127.0.0.1:0");
    server.max_connections_per_peer(20_000).start().report()
}

/// The server's process, which is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Returns once it listens.
    pub(crate) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let log = process.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut server = Self { process, url: String::new() };
        let (sender, receiver) = channel();
        // Until the end, so that the server's log never stands still.
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let at = line.find("http://").filter(|_| line.contains("listening"));
                let url = at.and_then(|at| line[at..].split(|c: char| c.is_whitespace() || c == '"').next());
                // Nobody asks for more than one.
                let _ = url.map(|url| sender.send(url.to_owned()));
            }
        });
        let address = receiver.recv_timeout(START_TIMEOUT);
        server.url = address.map_err(|_| io::Error::other("it does not say where it listens"))?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails when the server has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
