//! Clients that pipeline requests and read none of the responses.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::client::{call, request};
use crate::report::Report;
use crate::server_process::ServerProcess;

/// Time within which all connections must be closed.
const LIMIT: Duration = Duration::from_secs(20);

/// Number of bytes that each of them sends, as far as the server reads them.
const BYTES_PER_CLIENT: usize = 4 << 20;

/// Number of clients: as many as would use all cores of a small machine.
const CLIENTS: usize = 4;

/// Maximum CPU share of the server while the clients only wait, in cores.
const MAX_CPU_SHARE: f64 = 0.1;

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let kinds = [
        ("small calls", request(&call("add", "[1,2]"))),
        ("GET /health/live", b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("GET of 4 MiB", b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("calls in chunks", chunked(&call("add", "[1,2]"))),
    ];
    let kinds = report.pick(kinds.to_vec(), kinds[..1].to_vec());
    for (name, request) in kinds {
        let server = ServerProcess::start(&[])?;
        let clients = (0..CLIENTS).map(|_| Client::open(server.address)).collect::<io::Result<Vec<_>>>()?;
        let (closed, share) = attack(&server, clients, &request)?;
        let what = format!("{CLIENTS} clients send {} MiB of {name} and read nothing", BYTES_PER_CLIENT >> 20);
        let reached = closed.map_or("some are still open".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
        report.exact(
            format!("{what}: all closed within {} s", LIMIT.as_secs()),
            reached,
            closed.is_some_and(|time| time <= LIMIT),
        );
        report.timed(
            format!("… and less than {:.0} % of a core while they wait", 100.0 * MAX_CPU_SHARE),
            format!("{:.1} %", 100.0 * share),
            share < MAX_CPU_SHARE,
        );
    }
    Ok(())
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let head =
        "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let size = format!("{:x}\r\n", body.len());
    [head.as_bytes(), size.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

/// Returns the time until the last connection was closed, and the CPU share of the server since it
/// stopped reading.
fn attack(server: &ServerProcess, mut clients: Vec<Client>, request: &[u8]) -> io::Result<(Option<Duration>, f64)> {
    let all = request.repeat(BYTES_PER_CLIENT / request.len());
    let begin = Instant::now();
    // The time at which the server stopped reading, and its CPU time so far.
    let mut quiet: Option<(Instant, Duration)> = None;
    let mut used = (Duration::ZERO, Duration::ZERO);
    while !clients.is_empty() && begin.elapsed() < LIMIT + Duration::from_secs(5) {
        let mut progress = 0;
        clients.retain_mut(|client| match client.push(&all) {
            Ok(count) => {
                progress += count;
                true
            }
            Err(_) => false,
        });
        if progress > 0 {
            quiet = None;
        } else if let Some((since, before)) = quiet {
            used = (since.elapsed(), server.cpu()?.saturating_sub(before));
        } else {
            quiet = Some((Instant::now(), server.cpu()?));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let share = used.1.as_secs_f64() / used.0.as_secs_f64().max(1.0);
    Ok((clients.is_empty().then(|| begin.elapsed()), share))
}

struct Client {
    stream: TcpStream,
    sent: usize,
}

impl Client {
    fn open(server: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // The system buffers little for a client that does not read.
        socket.set_recv_buffer_size(4096)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        socket.connect(&server.into())?;
        socket.set_nonblocking(true)?;
        Ok(Self { stream: socket.into(), sent: 0 })
    }

    /// Sends as much as the server reads, and returns how much that was. An error means that the
    /// server has closed the connection.
    fn push(&mut self, all: &[u8]) -> io::Result<usize> {
        let before = self.sent;
        loop {
            // After everything is sent, a byte now and then shows whether the connection is still
            // open.
            let rest = all.get(self.sent..).filter(|rest| !rest.is_empty());
            match self.stream.write(rest.unwrap_or(b"P")) {
                Ok(count) if rest.is_some() => self.sent += count,
                Ok(_) => return Ok(self.sent - before),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(self.sent - before),
                Err(error) => return Err(error),
            }
        }
    }
}
