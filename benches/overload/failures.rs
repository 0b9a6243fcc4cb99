//! Experiments 5 and 6: methods that panic, and clients that disconnect.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use async_io::Timer;
use futures::future::join_all;

use crate::Run;
use crate::http::request;
use crate::load::{CallRecord, Outcome, Schedule, block_on, open_loop};
use crate::service::{Bench_Block, Bench_Note, Bench_Ping, Bench_Risky};
use crate::subject::{Subject, SubjectKind};
use callbox_benches::bound::Bound;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Experiment 5: 10,000 calls per second, in bursts of 100, so that some are queued behind the one
/// that panics.
pub(crate) fn panics(run: &mut Run<'_>) {
    let time = run.secs(3.0, 1.0);
    for _ in 0..run.repeats() {
        run.calibrate();
        for kind in [SubjectKind::Inline, SubjectKind::Mailbox, SubjectKind::Plain] {
            let subject = Subject::start(kind);
            let client = &subject.client;
            let schedule = Schedule::default().bursts(0, 100, Duration::from_millis(10), time);
            let is_culprit = |number: usize| number % 100 == 50;
            let records = open_loop(schedule, TIMEOUT, |arrival| async move {
                client.call(Bench_Risky { panics: is_culprit(arrival.number) }, TIMEOUT).await
            });
            let wrong = |culprits: bool, right: Outcome| {
                let wrong = |r: &&CallRecord| is_culprit(r.number) == culprits && r.outcome != right;
                records.iter().filter(wrong).count() as f64
            };
            let none = kind.is_callbox().then_some(Bound::AtMost(0.0));
            let all = records.len();
            run.note(&kind, "calls made", "", all as f64, None);
            run.note(&kind, "calls that panic without -32603", "", wrong(true, Outcome::Failed), none);
            run.note(&kind, "other calls without their result", "", wrong(false, Outcome::Answered), none);
            let up = block_on(client.call(Bench_Ping {}, TIMEOUT)) == Outcome::Answered;
            let target = kind.is_callbox().then_some(Bound::AtLeast(1.0));
            run.note(&kind, "responds to a ping afterwards (1 = yes)", "", f64::from(u8::from(up)), target);
        }
    }
}

/// Number of clients in experiment 6; those with odd numbers disconnect.
const CLIENTS: u32 = 100;

/// Time for which the first call blocks the service, in milliseconds.
const BLOCK_MILLIS: u64 = 400;

/// Experiment 6.
pub(crate) fn disconnects(run: &mut Run<'_>) {
    for _ in 0..run.repeats() {
        run.calibrate();
        for kind in [SubjectKind::Inline, SubjectKind::Plain] {
            let subject = Subject::start(kind);
            disconnect_in_process(&subject);
            note(run, &subject, "in-process");

            let subject = Subject::start(kind);
            disconnect_over_http(&subject);
            note(run, &subject, "over HTTP");
        }
    }
}

fn disconnect_in_process(subject: &Subject) {
    block_on(async {
        let blocked = subject.client.call(Bench_Block { millis: BLOCK_MILLIS }, TIMEOUT);
        let clients = async {
            pause(20).await;
            let client = |client: u32| async move {
                let call = subject.client.call(Bench_Note { client }, TIMEOUT);
                if client.is_multiple_of(2) {
                    call.await;
                } else {
                    let _ = futures::future::select(std::pin::pin!(call), std::pin::pin!(pause(100))).await;
                }
            };
            join_all((0..CLIENTS).map(client)).await
        };
        futures::future::join(blocked, clients).await;
        pause(50).await;
    });
}

async fn pause(millis: u64) {
    Timer::after(Duration::from_millis(millis)).await;
}

fn disconnect_over_http(subject: &Subject) {
    let send = |request: Vec<u8>| {
        let mut stream = TcpStream::connect(subject.address).expect("the server listens");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout can be set");
        stream.write_all(&request).expect("the server reads");
        stream
    };
    let blocker = send(request("block", &format!(r#"{{"millis":{BLOCK_MILLIS}}}"#)));
    sleep(Duration::from_millis(20));
    let client = |client| send(request("note", &format!(r#"{{"client":{client}}}"#)));
    let (leaving, staying): (Vec<_>, Vec<_>) =
        (0..CLIENTS).map(|number| (number, client(number))).partition(|(n, _)| n % 2 == 1);
    sleep(Duration::from_millis(80));
    drop(leaving);
    for mut stream in staying.into_iter().map(|(_, stream)| stream).chain([blocker]) {
        // The response itself does not matter: the service records which calls ran.
        let _ = stream.read(&mut [0; 1024]);
    }
    sleep(Duration::from_millis(50));
}

fn note(run: &mut Run<'_>, subject: &Subject, how: &str) {
    let ran = subject.observations.ran.lock();
    let (disconnected, stayed) =
        (ran.iter().filter(|client| *client % 2 == 1), ran.iter().filter(|client| *client % 2 == 0));
    let ours = |target| subject.kind.is_callbox().then_some(target);
    let (disconnected, stayed) = (disconnected.count() as f64, stayed.count() as f64);
    run.note(
        &subject.kind,
        &format!("{how}: calls run for the 50 that disconnected"),
        "",
        disconnected,
        ours(Bound::AtMost(0.0)),
    );
    let target = ours(Bound::AtLeast(f64::from(CLIENTS / 2)));
    run.note(&subject.kind, &format!("{how}: calls run for the 50 that stayed"), "", stayed, target);
}
