//! Experiments 8 and 9: what a call costs in-process, and whether two threads do twice as much as one. Closed loop: as fast as
//! the callers can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::{App, test};
use alloc_tracker::Session;
use callbox::{Method, Server};

use crate::Run;
use crate::baseline::{FOR_EVER, Plain};
use crate::bodies::{Add, Bench, Ping, Read, ReadAsync, Watch, spin};
use crate::load::End;
use crate::report::Target;
use crate::site::{Kind, Reach, Site};

/// Experiment 8.
pub(crate) fn calls(run: &mut Run<'_>) {
    let time = run.secs(0.5, 0.12);
    for _ in 0..run.repeats() {
        run.calibrate();
        for (threads, callers) in [(1, 1), (1, 32), (1, 256), (2, 32), (2, 256)] {
            let load = Load { threads, callers, time };
            rates(run, load, "&self", || Ping {});
            rates(run, load, "&mut self", || Add {});
        }
    }
    allocations(run);
}

#[derive(Clone, Copy)]
struct Load {
    threads: usize,
    callers: usize,
    time: Duration,
}

/// Calls a second of each subject, and as multiples of the plain actor's.
fn rates<M>(run: &mut Run<'_>, load: Load, method: &str, message: fn() -> M)
where
    M: Method<Service = Bench> + actix::Message<Result: Send>,
    Plain: actix::Handler<M>,
{
    let Load { threads, callers, .. } = load;
    let what = format!("{method}, {callers} callers on {threads} threads");
    let mut rate = |kind: Kind| {
        let site = Site::start(kind);
        let rate = calls_a_second(&site.reach, load, message);
        run.note(&kind, &what, "calls/s", rate, None);
        if let (Kind::Inline, Reach::Callbox(service)) = (kind, &site.reach) {
            let stats = service.stats();
            let (inline, queued) = stats.iter().fold((0, 0), |sum, m| (sum.0 + m.inline, sum.1 + m.queued));
            run.note(
                &kind,
                &format!("{what}: ran inline"),
                "%",
                100.0 * inline as f64 / (inline + queued) as f64,
                None,
            );
        }
        rate
    };
    let plain = rate(Kind::Plain);
    let (inline, mailbox) = (rate(Kind::Inline) / plain, rate(Kind::Mailbox) / plain);
    let targets =
        (method == "&self").then_some((Target::AtLeast(5.0), Target::AtLeast(if callers == 1 { 1.0 } else { 1.3 })));
    let what = format!("{what}: against addr.send");
    run.note(&Kind::Inline, &what, "×", inline, targets.map(|(inline, _)| inline));
    run.note(&Kind::Mailbox, &what, "×", mailbox, targets.map(|(_, mailbox)| mailbox));
}

fn calls_a_second<M>(reach: &Reach, load: Load, message: fn() -> M) -> f64
where
    M: Method<Service = Bench> + actix::Message<Result: Send>,
    Plain: actix::Handler<M>,
{
    on_threads(load.threads, load.time, |over| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let caller = || {
            let (reach, over) = (reach.clone(), Arc::clone(&over));
            async move {
                let mut calls = 0;
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(reach.call(message(), FOR_EVER).await, End::Answered);
                    calls += 1;
                    // Calls that end at once would never let the other callers of the thread have a go.
                    tokio::task::coop::consume_budget().await;
                }
                calls
            }
        };
        runtime.block_on(async {
            let callers: Vec<_> = (0..load.callers / load.threads).map(|_| tokio::spawn(caller())).collect();
            let mut calls = 0;
            for caller in callers {
                calls += caller.await.expect("no caller panics");
            }
            calls
        })
    })
}

/// How much all threads together do in a second. `work` says how much one did until the flag was set.
fn on_threads(threads: usize, time: Duration, work: impl Fn(Arc<AtomicBool>) -> u64 + Sync) -> f64 {
    let over = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let begin = Instant::now();
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(Arc::clone(&over)))).collect();
        std::thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        let done: u64 = threads.into_iter().map(|thread| thread.join().expect("no thread panics")).sum();
        done as f64 / begin.elapsed().as_secs_f64()
    })
}

/// Allocations on all threads of the process, per call.
fn allocations(run: &mut Run<'_>) {
    const CALLS: u64 = 10_000;
    for kind in [Kind::Inline, Kind::Mailbox, Kind::Plain] {
        let site = Site::start(kind);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let session = Session::new().no_stdout().no_file();
        runtime.block_on(async {
            let calls = async |count: u64| {
                for _ in 0..count {
                    site.reach.call(Ping {}, FOR_EVER).await;
                }
            };
            calls(CALLS).await;
            let operation = session.operation("calls");
            let _span = operation.measure_process().iterations(CALLS);
            calls(CALLS).await;
        });
        let report = session.to_report();
        let per_call = report.operations().find_map(|(_, operation)| operation.allocations()).unwrap_or(f64::NAN);
        let target = match kind {
            // A rare call may go to the host when the machine was slow.
            Kind::Inline => Some(Target::AtMost(0.005)),
            Kind::Mailbox => Some(Target::AtMost(1.005)),
            _ => None,
        };
        run.note(&kind, "allocations per &self call", "", per_call, target);
    }
}

/// What a call holds its thread for in experiment 9.
const MICROS: u64 = 20;

/// Experiment 9.
pub(crate) fn threads(run: &mut Run<'_>) {
    let time = run.secs(1.0, 0.25);
    for _ in 0..run.repeats() {
        run.calibrate();
        ratio(run, "no service at all", None, |threads| {
            on_threads(threads, time, |over| {
                let mut calls = 0;
                while !over.load(Ordering::Relaxed) {
                    spin(Duration::from_micros(MICROS));
                    calls += 1;
                }
                calls
            })
        });
        let target = Some(Target::AtLeast(1.8));
        let load = |threads| Load { threads, callers: threads, time };
        let site = Site::start(Kind::Inline);
        let read = || Read { micros: MICROS };
        ratio(run, "callbox, sync &self, ServiceRef", target, |n| calls_a_second(&site.reach, load(n), read));
        ratio(run, "callbox, sync &self, from JSON", target, |n| dispatched(n, time, "read"));
        ratio(run, "callbox, async &self, from JSON", target, |n| dispatched(n, time, "read_async"));
        ratio(run, "callbox, async &self, ServiceRef", None, |n| by_reference(&site.reach, n, time));
        let plain = Site::start(Kind::Plain);
        ratio(run, "actix addr.send, sync", None, |n| calls_a_second(&plain.reach, load(n), read));
    }
}

fn ratio(run: &mut Run<'_>, subject: &str, target: Option<Target>, rate: impl Fn(usize) -> f64) {
    let (one, two) = (rate(1), rate(2));
    run.note(&subject, "1 thread", "calls/s", one, None);
    run.note(&subject, "2 threads", "calls/s", two, None);
    run.note(&subject, "2 threads against 1", "×", two / one, target);
}

/// Async calls through a `ServiceRef`.
fn by_reference(reach: &Reach, threads: usize, time: Duration) -> f64 {
    let Reach::Callbox(service) = reach else { return f64::NAN };
    on_threads(threads, time, |over| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut calls = 0;
            while !over.load(Ordering::Relaxed) {
                assert!(service.call(ReadAsync { micros: MICROS }).await.is_ok());
                calls += 1;
            }
            calls
        })
    })
}

/// Calls as a worker of the HTTP server makes them, all of its stack but the sockets: their clients would need the cores that
/// are to be counted.
fn dispatched(threads: usize, time: Duration, method: &str) -> f64 {
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"micros":{MICROS}}},"id":1}}"#);
    let watch = Watch::new();
    let (tell, told) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let system = std::thread::spawn(move || {
        actix::System::new().block_on(async move {
            let running = Server::new(move || Bench::new(&watch)).launch().await.expect("the service starts");
            let _ = tell.send(running.clone());
            let _ = stopped.await;
            running.stop().await;
        });
    });
    let running = told.recv().expect("the service starts");
    let rate = on_threads(threads, time, |over| {
        actix::System::new().block_on(async {
            let app = test::init_service(App::new().configure(running.routes())).await;
            let mut calls = 0;
            while !over.load(Ordering::Relaxed) {
                let request = test::TestRequest::post().uri("/api").insert_header(("host", "localhost"));
                let request = request.insert_header(("content-type", "application/json")).set_payload(body.clone());
                let answer = test::call_and_read_body(&app, request.to_request()).await;
                assert!(answer.windows(8).any(|window| window == b"\"result\""), "{answer:?}");
                calls += 1;
            }
            calls
        })
    });
    drop(stop);
    let _ = system.join();
    rate
}
