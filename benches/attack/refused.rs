//! One address opens more connections than it may have, and sends nothing on them.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::client::{Connection, call};
use crate::report::{Report, ms, p99};
use crate::server_process::ServerProcess;

/// The limits of the server: connections in total, and per address.
const LIMITS: [&str; 4] = ["connections", "100", "per-peer", "10"];

/// Number of connections that the attacker keeps open, as far as the server permits.
const SILENT_CONNECTIONS: usize = 100;

/// Maximum time until a connection over the limit is closed.
const MAX_REJECTION_TIME: Duration = Duration::from_secs(2);

/// Maximum number of descriptors that the server may hold for rejected connections.
const MAX_DESCRIPTORS: usize = 200;

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let server = ServerProcess::start(&LIMITS)?;
    let time = Duration::from_secs(report.pick(20, 4));
    let before = server.descriptors()?;
    let (begin, cpu) = (Instant::now(), server.cpu()?);
    let mut silent: Vec<(TcpStream, Instant)> = Vec::new();
    let (mut opened, mut longest, mut max_descriptors) = (0_u64, Duration::ZERO, 0);
    let (mut calls, mut answered, mut latencies) = (0, 0, Vec::new());
    while begin.elapsed() < time {
        silent.retain(|(stream, _)| is_open(stream));
        while silent.len() < SILENT_CONNECTIONS {
            let stream = TcpStream::connect(server.address)?;
            stream.set_nonblocking(true)?;
            silent.push((stream, Instant::now()));
            opened += 1;
        }
        // The ten admitted connections stay open until the server times them out.
        let mut ages: Vec<_> = silent.iter().map(|(_, since)| since.elapsed()).collect();
        ages.sort_unstable_by(|a, b| b.cmp(a));
        longest = longest.max(ages.get(10).copied().unwrap_or_default());
        max_descriptors = max_descriptors.max(server.descriptors()?.saturating_sub(before));

        let called = Instant::now();
        calls += 1;
        let mut honest = Connection::from_stream(from_another_address(server.address)?)?;
        if honest.post(&call("add", "[1,2]")).is_ok_and(|answer| answer.status == 200) {
            answered += 1;
        }
        latencies.push(called.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    let share = server.cpu()?.saturating_sub(cpu).as_secs_f64() / begin.elapsed().as_secs_f64();
    report.exact(
        format!("one address keeps {SILENT_CONNECTIONS} connections open, of 100 with 10 for each: another gets all its calls"),
        format!("{answered} of {calls}, p99 {}", ms(p99(latencies))),
        answered == calls,
    );
    report.timed(
        format!("… a rejected connection is closed within {} s", MAX_REJECTION_TIME.as_secs()),
        format!("{} ms, {opened} were opened", longest.as_millis()),
        longest < MAX_REJECTION_TIME,
    );
    report.exact(
        format!("… and they hold less than {MAX_DESCRIPTORS} descriptors"),
        max_descriptors,
        max_descriptors < MAX_DESCRIPTORS,
    );
    report.timed("… and less than half of a core", format!("{:.1} %", 100.0 * share), share < 0.5);
    Ok(())
}

fn from_another_address(server: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into())?;
    socket.connect(&server.into())?;
    Ok(socket.into())
}

/// Returns whether the connection is open; reads the response that it may have received.
fn is_open(stream: &TcpStream) -> bool {
    let mut buffer = [0; 1024];
    loop {
        match io::Read::read(&mut &*stream, &mut buffer) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}
