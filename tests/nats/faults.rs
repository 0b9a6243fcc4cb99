//! What becomes of calls when a part of it all is stopped, paused, or killed.

use std::time::{Duration, Instant};

use callbox::client::{ClientError, Nats, Retry};
use callbox::{Server, service};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::program::{Program, RunningProgram};
use callbox_test_support::wait::until;
use futures::StreamExt;
use futures::stream::iter;
use rustix::process::Signal;

use super::market::{self, MarketClient};
use super::run;

/// Starts an instance as a process of its own, which serves over NATS alone.
fn instance(nats: &NatsServer) -> RunningProgram {
    let mut program = Program::with_role("market", &["--nats", &nats.url(), "--port", "off"]).spawn();
    program.wait_for_line("taking calls over NATS");
    program
}

/// The server of NATS goes away and comes back: HTTP does not notice, and calls go on.
pub(crate) fn server_restarts() {
    let mut nats = NatsServer::start(&[]);
    let server = market::start(&nats);
    run(async {
        let connection = Nats::connect(&nats.url()).await.unwrap();
        let market = MarketClient::from(connection.service("shop.market"));
        assert_eq!(market.add(1, 2).await.unwrap(), 3);
        let under_way = tokio::spawn({
            let market = MarketClient::from(connection.service("shop.market"));
            async move { market.nap(6_000).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        nats.stop();
        let lost = tokio::time::timeout(Duration::from_secs(5), under_way).await.unwrap().unwrap().unwrap_err();
        assert!(matches!(lost, ClientError::Lost(_)), "{lost:?}");
        let began = Instant::now();
        let unreachable = market.add(1, 2).with_deadline(Duration::from_secs(1)).await.unwrap_err();
        assert!(matches!(unreachable, ClientError::Unreachable(_)), "{unreachable:?}");
        assert!(began.elapsed() < Duration::from_secs(2));
        tokio::task::block_in_place(|| {
            assert_eq!(server.call(market::Market_Add { a: 1, b: 2 }), Ok(3));
            assert_eq!(server.get("/health/ready").status, 503);
            assert_eq!(server.get("/health/live").status, 200);
            nats.start_again();
        });
        let back = Instant::now();
        while market.add(1, 2).with_deadline(Duration::from_millis(500)).await.is_err() {}
        eprintln!("calls are answered {:?} after the server is back", back.elapsed());
        assert!(connection.reconnects() >= 1);
        tokio::task::block_in_place(|| until("it is ready", || server.get("/health/ready").status == 200));
    });
}

/// Of three instances one is killed: calls that it had end, and all others are answered.
pub(crate) fn killed_instance() {
    let nats = NatsServer::start(&[]);
    let mut instances = vec![instance(&nats), instance(&nats), instance(&nats)];
    run(async {
        let client = Nats::connect(&nats.url()).await.unwrap().service("shop.market");
        let began = Instant::now();
        let client = client.with_deadline(Duration::from_secs(2)).with_retry(Retry::default());
        let running = iter(0..).take_while(|_| std::future::ready(began.elapsed() < Duration::from_secs(3)));
        let calls = running.map(|_| client.call::<u64>("nap", [20])).buffer_unordered(48);
        let kill = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            instances[1].signal(Signal::KILL);
        };
        let count = calls.fold((0_u64, 0_u64), |(answered, late), result| async move {
            match result {
                Ok(_) => (answered + 1, late),
                Err(ClientError::Deadline(_)) => (answered, late + 1),
                Err(error) => panic!("{error:?}"),
            }
        });
        let ((answered, late), ()) = tokio::join!(count, kill);
        eprintln!("{answered} calls were answered, and {late} were lost with their instance");
        assert!(late <= 48 && answered > 1_000, "{answered} {late}");
    });
    drop(instances.drain(..));
}

/// An instance that stands still for a while takes calls, which end at their deadlines; none is run
/// for a caller that has left.
pub(crate) fn paused_instance() {
    /// Longer than it takes NATS and the other instance to count it as gone.
    const PAUSE: Duration = Duration::from_secs(20);

    let nats = NatsServer::start(&[]);
    let [stays, pauses] = [instance(&nats), instance(&nats)];
    run(async {
        let client = Nats::connect(&nats.url()).await.unwrap().service("shop.market");
        let client = client.with_deadline(Duration::from_millis(500)).without_retry();
        pauses.signal(Signal::STOP);
        let (began, mut answered, mut late) = (Instant::now(), 0, 0);
        while began.elapsed() < PAUSE {
            match client.call::<u64>("sell", [1]).await {
                Ok(_) => answered += 1,
                Err(ClientError::Deadline(_)) => late += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        eprintln!("{answered} calls were answered meanwhile, and {late} were late");
        assert!(answered > 0 && late > 0, "{answered} {late}");
        pauses.signal(Signal::CONT);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut sold = Vec::new();
        for _ in 0..40 {
            sold.push(client.call::<u64>("sell", [0]).await.unwrap());
        }
        sold.sort_unstable();
        sold.dedup();
        assert_eq!(sold.iter().sum::<u64>(), answered, "what was late has not run: {sold:?}");
    });
    drop((stays, pauses));
}

/// Instances are replaced one after the other, and no caller notices.
pub(crate) fn rolling_restart() {
    let nats = NatsServer::start(&[]);
    let mut instances = [instance(&nats), instance(&nats), instance(&nats)];
    let url = nats.url();
    run(async {
        let (stopping, stops) = tokio::sync::watch::channel(false);
        let load = tokio::spawn(async move {
            let client = Nats::connect(&url).await.unwrap().service("shop.market");
            let calls = iter(0..).take_while(|_| std::future::ready(!*stops.borrow()));
            let calls = calls.map(|_| client.call::<u64>("nap", [10])).buffer_unordered(16);
            let count = calls.fold(0_u64, |count, result| async move {
                result.unwrap_or_else(|error| panic!("after {count} calls: {error:?}"));
                count + 1
            });
            count.await
        });
        tokio::task::block_in_place(|| {
            for place in &mut instances {
                let next = instance(&nats);
                let before = std::mem::replace(place, next);
                before.signal(Signal::TERM);
                let ended = before.wait();
                assert!(ended.status.success(), "{ended:?}");
            }
        });
        stopping.send_replace(true);
        let count = load.await.unwrap();
        eprintln!("{count} calls, no error");
        assert!(count > 30, "{count}");
    });
}

/// A service whose name is one of callbox's own subjects.
#[derive(Default)]
struct Load;

#[service(name = "_load")]
impl Load {
    #[public_method]
    fn say(&self) {}
}

/// Returns a server with a service that cannot be on NATS.
pub(crate) fn ill_named() -> Server {
    Server::new(Load::default)
}

/// A program that cannot do what its settings say does not start, and says why.
pub(crate) fn start_errors() {
    let nats = NatsServer::start(&["--user", "me", "--pass", "secret"]);
    for (arguments, expected) in [
        (vec!["--nats".to_owned(), "nats://127.0.0.1:1".to_owned()], "cannot connect to NATS at nats://127.0.0.1:1"),
        (vec!["--nats".to_owned(), nats.url()], "authorization violation"),
        (vec!["--nats".to_owned(), "http://10.0.0.7".to_owned()], "nats:// or tls://"),
        (vec!["--nats".to_owned(), nats.url(), "--nats-creds".to_owned(), "none.creds".to_owned()], "none.creds"),
        (vec!["--nats".to_owned(), nats.url(), "--nats-cert".to_owned(), "a.pem".to_owned()], "--nats-key"),
        (vec!["--port".to_owned(), "off".to_owned()], "nobody could call this server"),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let ended = Program::with_role("market", &arguments).run();
        assert!(!ended.status.success() && ended.log.contains(expected), "{arguments:?}: {ended:?}");
        assert!(!ended.log.contains("secret"));
    }
    let url = nats.url_of("me:secret");
    let ended = Program::with_role("ill-named", &["--nats", &url]).run();
    assert!(!ended.status.success() && ended.log.contains("the service `_load` cannot be on NATS"), "{ended:?}");
    let mut program = Program::with_role("market", &["--nats", &url, "--port", "off"]).spawn();
    let line = program.wait_for_line("connected to NATS");
    assert!(!line.contains("secret"), "{line}");
}

/// A server of NATS that stands still: HTTP goes on, and callers end at their deadlines.
pub(crate) fn server_pauses() {
    let nats = NatsServer::start(&[]);
    let server = market::start(&nats);
    run(async {
        let client = Nats::connect(&nats.url()).await.unwrap().service("shop.market");
        assert_eq!(client.call::<u64>("add", [1, 2]).await.unwrap(), 3);
        nats.signal(Signal::STOP);
        let began = Instant::now();
        let late = client.with_deadline(Duration::from_millis(500)).call::<u64>("add", [1, 2]).await.unwrap_err();
        assert!(matches!(late, ClientError::Deadline(_)), "{late:?}");
        assert!(began.elapsed() < Duration::from_secs(2));
        tokio::task::block_in_place(|| assert_eq!(server.call(market::Market_Add { a: 1, b: 2 }), Ok(3)));
        nats.signal(Signal::CONT);
        assert_eq!(client.call::<u64>("add", [1, 2]).await.unwrap(), 3);
    });
}
