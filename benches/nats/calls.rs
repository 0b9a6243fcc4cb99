//! A trivial call, 64 in flight: a callbox service, and a bare responder.

use std::io;
use std::time::{Duration, Instant};

use callbox_benches::server_process::ServerProcess;
use callbox_test_support::nats_server::NatsServer;
use futures::future::join_all;

use crate::Bench;
use crate::instances::{Kind, PING};
use crate::load::{connect, run as run_async};

pub(crate) const NAME: &str = "calls";

pub(crate) const RATE: &str = "calls/s";
const CPU: &str = "CPU µs";
pub(crate) const MORE_CPU: &str = "more CPU µs";
pub(crate) const CALLBOX: &str = "callbox";
pub(crate) const BARE: &str = "bare async-nats";
const WITH_CLIENT: &str = "callbox, by its own client";

/// Number of calls in flight.
const IN_FLIGHT: usize = 64;

/// What a measurement has found.
struct Sample {
    calls: u64,
    time: Duration,
    cpu: Duration,
}

impl Sample {
    fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.calls as f64
    }
}

pub(crate) fn run(bench: &mut Bench) -> io::Result<()> {
    let time = Duration::from_millis(bench.pick(300, 3_000));
    let nats = NatsServer::start(&[]);
    for _ in 0..bench.rounds(7) {
        let mut cpu_of_bare = f64::NAN;
        for (kind, subject) in [(Kind::Bare, BARE), (Kind::Callbox, CALLBOX)] {
            let instance = kind.start(&nats, Duration::ZERO)?;
            let sample = measure(&instance, time, |time| by_bare_client(&nats, time))?;
            note(bench, subject, &sample);
            match kind {
                Kind::Bare => cpu_of_bare = sample.cpu_micros(),
                Kind::Callbox => bench.report.note(NAME, subject, MORE_CPU, sample.cpu_micros() - cpu_of_bare),
            }
        }
        let instance = Kind::Callbox.start(&nats, Duration::ZERO)?;
        let sample = measure(&instance, time, |time| by_own_client(&nats, time))?;
        note(bench, WITH_CLIENT, &sample);
    }
    bench.report.print(NAME, "A trivial method, 64 calls in flight");
    Ok(())
}

fn note(bench: &mut Bench, subject: &'static str, sample: &Sample) {
    bench.report.note(NAME, subject, RATE, sample.calls as f64 / sample.time.as_secs_f64());
    bench.report.note(NAME, subject, CPU, sample.cpu_micros());
}

/// Loads an instance after a warm-up.
fn measure(instance: &ServerProcess, time: Duration, load: impl Fn(Duration) -> io::Result<u64>) -> io::Result<Sample> {
    load(time / 5)?;
    let (cpu, begin) = (instance.cpu()?, Instant::now());
    let calls = load(time)?;
    Ok(Sample { calls, time: begin.elapsed(), cpu: instance.cpu()?.saturating_sub(cpu) })
}

/// Returns the number of calls by a client that knows nothing of callbox.
fn by_bare_client(nats: &NatsServer, time: Duration) -> io::Result<u64> {
    run_async(async {
        let client = async_nats::connect(nats.url()).await.map_err(io::Error::other)?;
        let call = move || {
            let client = client.clone();
            async move {
                let reply = client.request(PING, "{}".into()).await.map_err(io::Error::other)?;
                if &*reply.payload == b"true" {
                    return Ok(());
                }
                Err(io::Error::other(format!("the reply is {:?}", reply.payload)))
            }
        };
        closed_loop(time, call).await
    })
}

/// Returns the number of calls by a client of callbox.
fn by_own_client(nats: &NatsServer, time: Duration) -> io::Result<u64> {
    run_async(async {
        let client = connect(&nats.url()).await?;
        let call = move || {
            let client = client.clone();
            async move { client.call::<bool>("ping", ()).await.map(drop).map_err(io::Error::other) }
        };
        closed_loop(time, call).await
    })
}

/// Calls for some time, by so many callers of which each waits for its reply. Returns the number of
/// calls.
async fn closed_loop<C, F>(time: Duration, call: C) -> io::Result<u64>
where
    C: Fn() -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + Send,
{
    let begin = Instant::now();
    let caller = || {
        let call = call.clone();
        tokio::spawn(async move {
            let mut calls = 0;
            while begin.elapsed() < time {
                call().await?;
                calls += 1;
            }
            Ok(calls)
        })
    };
    let counts = join_all((0..IN_FLIGHT).map(|_| caller())).await;
    counts.into_iter().map(|count| count.map_err(io::Error::other)?).sum()
}
