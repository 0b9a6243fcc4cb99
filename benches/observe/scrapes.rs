//! Throughput beside a scrape each second.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use callbox_benches::figures::median;
use callbox_benches::layout::CoreAssignment;
use callbox_benches::server_process::ServerProcess;
use serde_json::{Map, Value};

use crate::Effort;
use crate::sample::{self, Subject, check, measure};
use crate::servers::{FEW, MANY, MANY_METHODS};

/// Interval between two scrapes.
const INTERVAL: Duration = Duration::from_secs(1);

/// Least throughput beside scrapes, as a part of that without. Two runs without scrapes differ by
/// as much.
const NOISE: f64 = 0.97;

/// Compares servers that are scraped with the same ones that are not, and those with each other.
pub(crate) fn run(effort: Effort, assignment: &CoreAssignment) -> io::Result<Value> {
    let mut all = Map::new();
    for (methods, name) in [(10, FEW), (MANY_METHODS + 1, MANY)] {
        let subjects = ["without scrapes", "a scrape each second", "without scrapes, again"];
        let mut subjects = subjects.map(Subject::new);
        for round in 0..effort.rounds {
            for at in 0..subjects.len() {
                let subject = &mut subjects[(at + round) % 3];
                let server = ServerProcess::start_with(&[name, &assignment.cores], &[], Stdio::null())?;
                let is_scraped = subject.name.starts_with('a');
                let sample = beside_scrapes(is_scraped.then_some(server.address), || {
                    measure(&server, effort, assignment.wait_mode)
                })?;
                subject.samples.push(sample);
            }
        }
        sample::print(&format!("A trivial method, 64 connections; {methods} methods"), &subjects);
        let calls = median(&subjects[1].ratios(&subjects[0], |sample| sample.calls_per_second));
        check(&format!("calls/s beside a scrape each second ≥ {NOISE} × without"), calls, calls >= NOISE);
        all.insert(format!("{methods} methods"), serde_json::to_value(&subjects[..])?);
    }
    Ok(all.into())
}

/// Runs `work` while a thread scrapes the server at this address, if there is one.
fn beside_scrapes<T>(address: Option<SocketAddr>, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let Some(address) = address else { return work() };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scrapes = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let next = Instant::now() + INTERVAL;
                scrape(address)?;
                while Instant::now() < next && !is_over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            Ok(())
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        scrapes.join().expect("the scraper does not panic").and(done)
    })
}

/// Reads the metrics once, and returns their size and the time until they were there.
pub(crate) fn scrape(address: SocketAddr) -> io::Result<(usize, Duration)> {
    use std::io::{Read, Write};

    let begin = Instant::now();
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let took = begin.elapsed();
    if !text.starts_with("HTTP/1.1 200") || !text.contains("callbox_build_info{") {
        return Err(io::Error::other(format!("no metrics: {}", text.lines().next().unwrap_or_default())));
    }
    Ok((text.len(), took))
}
