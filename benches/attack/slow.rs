//! Slow clients of all four kinds, together with a well-behaved client.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::client::{Connection, call, head, request};
use crate::load::{CallRecord, LoadPlan, Outcome, open_loop};
use crate::report::{Report, ms, p99};
use crate::server_process::ServerProcess;

/// The part of a request that a client is slow with.
#[derive(Clone, Copy, Debug)]
enum SlowPhase {
    Head,
    /// The head of the second request on a connection.
    SecondHead,
    Body,
    /// Reading the response.
    Read,
}

const PHASES: [(SlowPhase, &str); 4] = [
    (SlowPhase::Head, "head"),
    (SlowPhase::SecondHead, "second head"),
    (SlowPhase::Body, "body"),
    (SlowPhase::Read, "read"),
];

/// Time within which all connections must be closed.
const LIMIT: Duration = Duration::from_secs(15);

/// Number of addresses of the attackers, so that the limit of connections per address does not
/// protect the server.
const ADDRESSES: usize = 20;

/// Calls per second of the well-behaved client.
const RATE: f64 = 200.0;

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let count = report.pick(500, 50);
    let watch = Duration::from_secs(report.pick(19, 14));
    let server = ServerProcess::start(&[])?;
    // The latency of the well-behaved client during an attack is compared with that just before it.
    let honest = |time| open_loop(server.address, LoadPlan { rate: RATE, time }, &call("add", "[1,2]"));
    honest(Duration::from_secs(1));
    let attacks: &[&[(SlowPhase, &str)]] =
        &report.pick(PHASES.each_ref().map(std::slice::from_ref).to_vec(), vec![&PHASES]);
    for phases in attacks {
        let baseline = honest(report.pick(watch, Duration::from_secs(2)));
        let from_stream = AtomicBool::new(false);
        let (closed, records) = std::thread::scope(|scope| {
            let attack = scope.spawn(|| attack(server.address, phases, count, &from_stream));
            let records = honest(watch);
            from_stream.store(true, Ordering::Relaxed);
            (attack.join().map_err(|_| io::Error::other("the attack panicked")), records)
        });
        let names = phases.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
        note(report, &format!("{count} × slow {names}"), closed??, &baseline, &records);
    }
    Ok(())
}

fn note(report: &mut Report, attack: &str, closed: Option<Duration>, baseline: &[CallRecord], records: &[CallRecord]) {
    let reached = closed.map_or("some are still open".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
    let in_time = closed.is_some_and(|time| time <= LIMIT);
    report.exact(format!("{attack}: all closed within {} s", LIMIT.as_secs()), reached, in_time);
    let lost = records.iter().filter(|record| record.outcome != Outcome::Result).count();
    report.exact(
        "… and every honest call answered",
        format!("{} of {}", records.len() - lost, records.len()),
        lost == 0,
    );
    let [usual, attacked] = [baseline, records].map(|records| p99(records.iter().map(|record| record.latency)));
    let reached = format!("{} against {}", ms(attacked), ms(usual));
    report.timed("… and their p99 below 2 × what it was before", reached, attacked < 2 * usual);
}

/// Returns the longest time that the server has held one of the connections; `None` if it still
/// holds one.
fn attack(
    server: SocketAddr,
    phases: &[(SlowPhase, &str)],
    count: usize,
    from_stream: &AtomicBool,
) -> io::Result<Option<Duration>> {
    let mut attackers = Vec::new();
    for number in 0..count {
        for (phase, _) in phases {
            attackers.push(Attacker::open(server, *phase, number % ADDRESSES)?);
            // The connections are opened one after another: many new connections at once are not
            // the attack, but connections that stay.
            std::thread::sleep(Duration::from_millis(if matches!(phase, SlowPhase::Read) { 8 } else { 2 }));
        }
    }
    let (mut longest, mut send_byte) = (Duration::ZERO, Instant::now());
    while !from_stream.load(Ordering::Relaxed) {
        let held_by_server = held_by_server(server)?;
        attackers.retain(|attacker| {
            longest = longest.max(attacker.opened.elapsed());
            held_by_server.contains(&attacker.local_address)
        });
        if attackers.is_empty() {
            return Ok(Some(longest));
        }
        if send_byte.elapsed() > Duration::from_secs(1) {
            send_byte = Instant::now();
            attackers.iter_mut().for_each(Attacker::send_byte);
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    Ok(None)
}

struct Attacker {
    phase: SlowPhase,
    stream: TcpStream,
    opened: Instant,
    local_address: SocketAddr,
}

impl Attacker {
    fn open(server: SocketAddr, phase: SlowPhase, address: usize) -> io::Result<Self> {
        let opened = Instant::now();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        if matches!(phase, SlowPhase::Read) {
            socket.set_recv_buffer_size(4096)?;
        }
        let local_address = Ipv4Addr::new(127, 1, 0, 1 + u8::try_from(address).unwrap_or_default());
        socket.bind(&SocketAddr::from((local_address, 0)).into())?;
        socket.connect(&server.into())?;
        let mut connection = Connection::from_stream(socket.into())?;
        let half_a_head = b"POST /api HTTP/1.1\r\nHost: localhost\r\nX-Sl";
        match phase {
            SlowPhase::Head => connection.send(half_a_head)?,
            SlowPhase::SecondHead => {
                connection.send(&request(&call("add", "[1,2]")))?;
                connection.answer()?;
                connection.send(half_a_head)?;
            }
            SlowPhase::Body => connection.send(&[head(1000).as_bytes(), b"{\"jsonrpc"].concat())?,
            SlowPhase::Read => connection.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")?,
        }
        connection.stream.set_nonblocking(true)?;
        let local_address = connection.stream.local_addr()?;
        Ok(Self { phase, stream: connection.stream, opened, local_address })
    }

    /// Sends or reads one more byte. This fails once the server has closed the connection, as it
    /// should.
    fn send_byte(&mut self) {
        let _ = match self.phase {
            SlowPhase::Read => self.stream.read(&mut [0]),
            SlowPhase::Head | SlowPhase::SecondHead | SlowPhase::Body => self.stream.write(b"o"),
        };
    }
}

/// Returns the clients' ends of the connections that the server holds. The system lists them, with
/// an inode while a process has them open.
fn held_by_server(server: SocketAddr) -> io::Result<HashSet<SocketAddr>> {
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let port = format!(":{:04X}", server.port());
    let client = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, local, remote, _, _, _, _, _, _, inode, ..] = fields[..] else { return None };
        let (address, remote_port) = remote.split_once(':')?;
        // The address is in native byte order.
        let address = u32::from_str_radix(address, 16).ok()?.to_ne_bytes();
        let client = SocketAddr::from((address, u16::from_str_radix(remote_port, 16).ok()?));
        (local.ends_with(&port) && inode != "0").then_some(client)
    };
    Ok(table.lines().filter_map(client).collect())
}
