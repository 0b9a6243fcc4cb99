//! What a call costs whose spans are exported: to a collector that takes all of them, and to one
//! that is gone.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use callbox_benches::bound::Bound;
use callbox_benches::figures::{format_value, interquartile_range, median};
use callbox_benches::layout::CoreAssignment;
use callbox_benches::measurement::{Sample, measure};
use callbox_benches::server_process::ServerProcess;
use callbox_benches::workload::TRIVIAL;

use crate::Options;
use crate::servers::Subject;

pub(crate) const NAME: &str = "traces";

/// How the calls of a server are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tracing {
    /// The program has no layer for spans: the usual server of this bench.
    NoLayer,
    /// The feature is compiled in, and no variable names a collector.
    Off,
    /// One call of a hundred.
    OnePercent,
    All,
    /// All, and nobody listens where the collector should be.
    AllToNobody,
}

impl Tracing {
    const EACH: [Self; 5] = [Self::NoLayer, Self::Off, Self::OnePercent, Self::All, Self::AllToNobody];

    fn name(self) -> &'static str {
        match self {
            Self::NoLayer => "no layer",
            Self::Off => "off",
            Self::OnePercent => "1 % of the calls",
            Self::All => "all calls",
            Self::AllToNobody => "all calls, no collector",
        }
    }

    fn subject(self) -> Subject {
        if self == Self::NoLayer { Subject::Callbox } else { Subject::CallboxTraced }
    }

    /// Returns the variables of the server. `collector` is one that works.
    fn variables(self, collector: SocketAddr) -> Vec<(&'static str, String)> {
        const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        match self {
            Self::NoLayer | Self::Off => Vec::new(),
            Self::OnePercent => vec![
                (ENDPOINT, format!("http://{collector}")),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".to_owned()),
                ("OTEL_TRACES_SAMPLER_ARG", "0.01".to_owned()),
            ],
            Self::All => vec![(ENDPOINT, format!("http://{collector}"))],
            Self::AllToNobody => vec![(ENDPOINT, "http://127.0.0.1:1".to_owned())],
        }
    }
}

/// Measures and prints all of it.
///
/// # Errors
///
/// If a server or a connection fails.
pub(crate) fn run(options: &Options, assignment: &CoreAssignment, times: (Duration, Duration)) -> io::Result<()> {
    let collector = collector()?;
    let mut rows: Vec<_> = Tracing::EACH.iter().map(|tracing| (*tracing, Vec::new(), Vec::new())).collect();
    for round in 0..options.rounds {
        for at in 0..rows.len() {
            let at = (at + round) % rows.len();
            let (tracing, samples, lost) = &mut rows[at];
            let variables = tracing.variables(collector);
            let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let server = ServerProcess::start_with(
                &[tracing.subject().name(), &assignment.cores],
                &variables,
                Stdio::inherit(),
            )?;
            samples.push(measure(&server, &TRIVIAL, times, assignment.wait_mode)?);
            lost.push(lost_spans(server.address)? as f64);
        }
    }
    println!("\n# Traces: {}\n", TRIVIAL.title);
    println!("| traced | CPU per call, µs | more than off, µs | calls/s | p50, ms | p99, ms | spans lost |");
    println!("|---|---|---|---|---|---|---|");
    let column = |samples: &[Sample], of: fn(&Sample) -> f64| samples.iter().map(of).collect::<Vec<_>>();
    let all: Vec<_> = rows.iter().map(|(_, samples, _)| samples.as_slice()).collect();
    // Of the same round, so that both met the same machine.
    let compared = |row: usize, base: usize, compare: fn(&Sample, &Sample) -> f64| {
        let pairs = all[row].iter().zip(all[base]);
        median(&pairs.map(|(sample, base)| compare(sample, base)).collect::<Vec<_>>())
    };
    let more: fn(&Sample, &Sample) -> f64 = |sample, base| sample.cpu_micros - base.cpu_micros;
    for (row, (tracing, samples, lost)) in rows.iter().enumerate() {
        let cpus = column(samples, |sample| sample.cpu_micros);
        println!(
            "| {} | {} {} | {} | {} | {} | {} | {} |",
            tracing.name(),
            format_value(median(&cpus)),
            interquartile_range(&cpus),
            format_value(compared(row, 1, more)),
            format_value(median(&column(samples, |sample| sample.calls_per_second))),
            format_value(median(&column(samples, |sample| sample.p50_ms))),
            format_value(median(&column(samples, |sample| sample.p99_ms))),
            format_value(median(lost)),
        );
    }
    println!();
    for (what, value, bound) in [
        (
            "CPU per call with 1 % × off",
            compared(2, 1, |sample, base| sample.cpu_micros / base.cpu_micros),
            Bound::AtMost(1.03),
        ),
        ("µs of CPU per traced call", compared(3, 1, more), Bound::AtMost(6.0)),
        (
            "p99 without a collector × with one",
            compared(4, 3, |sample, base| sample.p99_ms / base.p99_ms),
            Bound::AtMost(1.1),
        ),
    ] {
        let result = if bound.is_met(value) { "met" } else { "MISSED" };
        println!("target {result}: {what} {bound}: {}", format_value(value));
    }
    Ok(())
}

/// Returns the number of spans that a server has lost.
fn lost_spans(address: SocketAddr) -> io::Result<u64> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let count = text.lines().find_map(|line| line.strip_prefix("callbox_spans_lost_total ")?.parse().ok());
    count.ok_or_else(|| io::Error::other("the server has no metric of lost spans"))
}

/// Starts a collector that takes everything and looks at nothing.
fn collector() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || take_all(BufReader::new(stream)));
        }
    });
    Ok(address)
}

fn take_all(mut reader: BufReader<TcpStream>) -> io::Result<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let lower = line.trim_end().to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length: ") {
            length = value.parse().map_err(io::Error::other)?;
        }
        if lower.is_empty() {
            io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        }
    }
}
