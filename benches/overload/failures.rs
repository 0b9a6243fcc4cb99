//! Experiments 5 and 6: methods that panic, and clients that leave.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use async_io::Timer;
use futures::future::join_all;

use crate::Run;
use crate::bodies::{Bench_Block, Bench_Note, Bench_Ping, Bench_Risky};
use crate::http::request;
use crate::load::{End, Record, Schedule, block_on, open_loop};
use crate::report::Target;
use crate::site::{Kind, Site};

const PATIENCE: Duration = Duration::from_secs(2);

/// Experiment 5: 10,000 calls a second, in bursts of 100 so that some wait behind the one that panics.
pub(crate) fn panics(run: &mut Run<'_>) {
    let time = run.secs(3.0, 1.0);
    for _ in 0..run.repeats() {
        run.calibrate();
        for kind in [Kind::Inline, Kind::Mailbox, Kind::Plain] {
            let site = Site::start(kind);
            let reach = &site.reach;
            let schedule = Schedule::default().bursts(0, 100, Duration::from_millis(10), time);
            let is_culprit = |number: usize| number % 100 == 50;
            let records = open_loop(schedule, PATIENCE, |arrival| async move {
                reach.call(Bench_Risky { panics: is_culprit(arrival.number) }, PATIENCE).await
            });
            let wrong = |culprits: bool, right: End| {
                let wrong = |r: &&Record| is_culprit(r.number) == culprits && r.end != right;
                records.iter().filter(wrong).count() as f64
            };
            let none = kind.is_ours().then_some(Target::AtMost(0.0));
            let all = records.len();
            run.note(&kind, "calls made", "", all as f64, None);
            run.note(&kind, "culprits not answered -32603", "", wrong(true, End::Failed), none);
            run.note(&kind, "others not answered with their result", "", wrong(false, End::Answered), none);
            let up = block_on(reach.call(Bench_Ping {}, PATIENCE)) == End::Answered;
            let target = kind.is_ours().then_some(Target::AtLeast(1.0));
            run.note(&kind, "answers a ping afterwards (1 = yes)", "", f64::from(u8::from(up)), target);
        }
    }
}

/// Clients in experiment 6; those with odd numbers leave.
const CLIENTS: u32 = 100;

/// How long the call in front holds the service.
const BLOCK: u64 = 400;

/// Experiment 6.
pub(crate) fn leavers(run: &mut Run<'_>) {
    for _ in 0..run.repeats() {
        run.calibrate();
        for kind in [Kind::Inline, Kind::Plain] {
            let site = Site::start(kind);
            leave_in_process(&site);
            note(run, &site, "in-process");

            let site = Site::start(kind);
            leave_over_http(&site);
            note(run, &site, "over HTTP");
        }
    }
}

fn leave_in_process(site: &Site) {
    block_on(async {
        let blocked = site.reach.call(Bench_Block { millis: BLOCK }, PATIENCE);
        let clients = async {
            pause(20).await;
            let client = |client: u32| async move {
                let call = site.reach.call(Bench_Note { client }, PATIENCE);
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

fn leave_over_http(site: &Site) {
    let send = |request: Vec<u8>| {
        let mut stream = TcpStream::connect(site.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.write_all(&request).expect("the server reads");
        stream
    };
    let blocker = send(request("block", &format!(r#"{{"millis":{BLOCK}}}"#)));
    sleep(Duration::from_millis(20));
    let client = |client| send(request("note", &format!(r#"{{"client":{client}}}"#)));
    let (leave, stay): (Vec<_>, Vec<_>) =
        (0..CLIENTS).map(|number| (number, client(number))).partition(|(n, _)| n % 2 == 1);
    sleep(Duration::from_millis(80));
    drop(leave);
    for mut stream in stay.into_iter().map(|(_, stream)| stream).chain([blocker]) {
        // Only that there was an answer: who ran is what counts.
        let _ = stream.read(&mut [0; 1024]);
    }
    sleep(Duration::from_millis(50));
}

fn note(run: &mut Run<'_>, site: &Site, how: &str) {
    let ran = site.watch.ran.lock();
    let (left, stayed) = (ran.iter().filter(|client| *client % 2 == 1), ran.iter().filter(|client| *client % 2 == 0));
    let ours = |target| site.kind.is_ours().then_some(target);
    let (left, stayed) = (left.count() as f64, stayed.count() as f64);
    run.note(&site.kind, &format!("{how}: calls run for the 50 that left"), "", left, ours(Target::AtMost(0.0)));
    let target = ours(Target::AtLeast(f64::from(CLIENTS / 2)));
    run.note(&site.kind, &format!("{how}: calls run for the 50 that stayed"), "", stayed, target);
}
