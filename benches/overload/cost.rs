//! Experiments 8 and 9: the in-process cost of a call, and whether two threads do twice as much as
//! one. They are closed-loop: callers send as fast as they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::{App, test};
use alloc_tracker::Session;
use callbox::{ActorMessage, Handles, Message, Server};

use crate::Run;
use crate::baseline::{NO_TIMEOUT, PlainActor};
use crate::load::Outcome;
use crate::service::{Bench, Bench_Add, Bench_Ping, Bench_Read, Bench_ReadAsync, Observations, spin};
use crate::subject::{LocalClient, Subject, SubjectKind};
use callbox_benches::bound::Bound;

/// Experiment 8.
pub(crate) fn calls(run: &mut Run<'_>) {
    let time = run.secs(0.5, 0.12);
    for _ in 0..run.repeats() {
        run.calibrate();
        for (threads, callers) in [(1, 1), (1, 32), (1, 256), (2, 32), (2, 256)] {
            let load = Load { threads, callers, time };
            rates(run, load, "&self", || Bench_Ping {});
            rates(run, load, "&mut self", || Bench_Add {});
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

/// Measures the calls per second of each subject, also as multiples of those of the plain actor.
fn rates<M>(run: &mut Run<'_>, load: Load, method: &str, message: fn() -> M)
where
    M: Message,
    Bench: Handles<M>,
    PlainActor: actix::Handler<ActorMessage<M>>,
{
    let Load { threads, callers, .. } = load;
    let what = format!("{method}, {callers} callers on {threads} threads");
    let mut rate = |kind: SubjectKind| {
        let subject = Subject::start(kind);
        warm_up(&subject, message);
        let before = inline_and_queued(&subject.client);
        let rate = calls_a_second(&subject.client, load, message);
        run.note(&kind, &what, "calls/s", rate, None);
        if kind == SubjectKind::Inline {
            let after = inline_and_queued(&subject.client);
            let (inline, queued) = (after.0 - before.0, after.1 - before.1);
            let share = 100.0 * inline as f64 / (inline + queued) as f64;
            run.note(&kind, &format!("{what}: ran inline"), "%", share, None);
        }
        rate
    };
    let plain = rate(SubjectKind::Plain);
    let (inline, mailbox) = (rate(SubjectKind::Inline) / plain, rate(SubjectKind::Mailbox) / plain);
    let targets =
        (method == "&self").then_some((Bound::AtLeast(5.0), Bound::AtLeast(if callers == 1 { 1.0 } else { 1.3 })));
    let what = format!("{what}: against addr.send");
    run.note(&SubjectKind::Inline, &what, "×", inline, targets.map(|(inline, _)| inline));
    run.note(&SubjectKind::Mailbox, &what, "×", mailbox, targets.map(|(_, mailbox)| mailbox));
}

/// Calls the method until callbox knows that it is short: a new service sends every method to its
/// host at first, for a second or more if one of its first runs was interrupted.
fn warm_up<M>(subject: &Subject, message: impl Fn() -> M)
where
    M: Message,
    Bench: Handles<M>,
    PlainActor: actix::Handler<ActorMessage<M>>,
{
    let begin = Instant::now();
    let is_warm = || {
        let before = inline_and_queued(&subject.client);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            for _ in 0..200 {
                subject.client.call(message(), NO_TIMEOUT).await;
            }
        });
        subject.kind != SubjectKind::Inline || inline_and_queued(&subject.client).1 == before.1
    };
    while !is_warm() && begin.elapsed() < Duration::from_secs(5) {}
}

/// Returns the numbers of inline and of queued calls, of all methods together.
fn inline_and_queued(client: &LocalClient) -> (u64, u64) {
    match client {
        LocalClient::Callbox(service) => {
            service.stats().iter().fold((0, 0), |sum, method| (sum.0 + method.inline, sum.1 + method.queued))
        }
        LocalClient::Plain(_) | LocalClient::Semaphore(..) => (0, 0),
    }
}

fn calls_a_second<M>(client: &LocalClient, load: Load, message: fn() -> M) -> f64
where
    M: Message,
    Bench: Handles<M>,
    PlainActor: actix::Handler<ActorMessage<M>>,
{
    on_threads(load.threads, load.time, |over| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let caller = || {
            let (client, over) = (client.clone(), Arc::clone(&over));
            async move {
                let mut calls = 0;
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(client.call(message(), NO_TIMEOUT).await, Outcome::Answered);
                    calls += 1;
                    // Calls that complete at once would never let the other callers of the thread
                    // run.
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

/// Returns how much all threads together do in a second. `work` returns how much one thread did
/// until the flag was set.
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

/// Measures the allocations per call, on all threads of the process.
fn allocations(run: &mut Run<'_>) {
    for kind in [SubjectKind::Inline, SubjectKind::Mailbox, SubjectKind::Plain] {
        let subject = Subject::start(kind);
        // On a busy machine inline calls are sent to the host for seconds, so the measurement is
        // repeated until all calls ran inline.
        let tries = (0..60).map(|_| allocations_per_call(&subject.client));
        let pure = tries
            .filter(|(_, queued)| kind != SubjectKind::Inline || *queued == 0)
            .map(|(per_call, _)| per_call)
            .next();
        let target = match kind {
            SubjectKind::Inline => Some(Bound::AtMost(0.0)),
            SubjectKind::Mailbox => Some(Bound::AtMost(1.0)),
            SubjectKind::Plain | SubjectKind::Semaphore(_) => None,
        };
        run.note(&kind, "allocations per &self call", "", pure.unwrap_or(f64::NAN), target);
    }
}

/// Returns the allocations per call, and the number of calls that went through the mailbox.
fn allocations_per_call(client: &LocalClient) -> (f64, u64) {
    const CALLS: u64 = 2000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let calls = async || {
        for _ in 0..CALLS {
            client.call(Bench_Ping {}, NO_TIMEOUT).await;
        }
    };
    let session = Session::new();
    let operation = session.operation("calls");
    let queued = || inline_and_queued(client).1;
    let before = runtime.block_on(async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        calls().await;
        let before = queued();
        let _span = operation.measure_process().iterations(CALLS);
        calls().await;
        before
    });
    let report = session.to_report();
    let allocations = report.operations().next().map(|(_, calls)| calls.total_allocations_count());
    let per_call = allocations.map_or(f64::NAN, |count| count as f64 / CALLS as f64);
    // Rounded to a hundredth, because the threads of the runtimes may allocate for themselves.
    ((per_call * 100.0).round() / 100.0, queued() - before)
}

/// Time for which a call holds its thread in experiment 9, in microseconds.
const MICROS: u64 = 20;

/// Warm-up time of the measurements through the whole stack.
const WARM_UP: Duration = Duration::from_millis(300);

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
        let target = Some(Bound::AtLeast(1.8));
        let load = |threads| Load { threads, callers: threads, time };
        let subject = Subject::start(SubjectKind::Inline);
        let read = || Bench_Read { micros: MICROS };
        warm_up(&subject, read);
        ratio(run, "callbox, sync &self, ServiceRef", target, |n| calls_a_second(&subject.client, load(n), read));
        ratio(run, "callbox, sync &self, from JSON", target, |n| call_through_http_stack(n, time, "read"));
        ratio(run, "callbox, async &self, from JSON", target, |n| call_through_http_stack(n, time, "read_async"));
        ratio(run, "callbox, async &self, ServiceRef", None, |n| call_by_reference(&subject.client, n, time));
        let plain = Subject::start(SubjectKind::Plain);
        ratio(run, "actix addr.send, sync", None, |n| calls_a_second(&plain.client, load(n), read));
    }
}

fn ratio(run: &mut Run<'_>, subject: &str, target: Option<Bound>, rate: impl Fn(usize) -> f64) {
    let (one, two) = (rate(1), rate(2));
    run.note(&subject, "1 thread", "calls/s", one, None);
    run.note(&subject, "2 threads", "calls/s", two, None);
    run.note(&subject, "2 threads against 1", "×", two / one, target);
}

/// Measures async calls through a `ServiceRef`.
fn call_by_reference(client: &LocalClient, threads: usize, time: Duration) -> f64 {
    let LocalClient::Callbox(service) = client else { return f64::NAN };
    on_threads(threads, time, |over| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut calls = 0;
            while !over.load(Ordering::Relaxed) {
                assert!(service.call(Bench_ReadAsync { micros: MICROS }).await.is_ok());
                calls += 1;
            }
            calls
        })
    })
}

/// Measures calls through the whole stack of the HTTP server without the sockets, because their
/// clients would need the cores that the experiment measures.
fn call_through_http_stack(threads: usize, time: Duration, method: &str) -> f64 {
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"micros":{MICROS}}},"id":1}}"#);
    let observations = Observations::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let system = std::thread::spawn(move || {
        actix::System::new().block_on(async move {
            let running = Server::new(move || Bench::new(&observations)).launch().await.expect("the service starts");
            let _ = sender.send(running.clone());
            let _ = stopped.await;
            running.stop().await.expect("every call has ended");
        });
    });
    let running = receiver.recv().expect("the service starts");
    let calls = |over: Arc<AtomicBool>| {
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
    };
    // Warm-up, until callbox knows that the method is short.
    on_threads(1, WARM_UP, calls);
    let rate = on_threads(threads, time, calls);
    drop(stop);
    let _ = system.join();
    rate
}
