//! The endpoint over real connections.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use actix_web::rt;

use super::super::guard::Cors;
use super::super::raw_server::{RawServer, RawServerOptions, wait_until};
use super::tests::{WEBSOCKET, answer, answer_by_body, at_api, config};
use super::*;

const HEAD: &str = "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

fn serve<F>(config: Arc<EndpointConfig>, answer: F) -> RawServer
where
    F: AsyncFn(&[u8], RequestMeta<'_>) -> RpcResponse + Send + Clone + 'static,
{
    RawServer::start(RawServerOptions::default(), move || mount(at_api(Arc::clone(&config), answer.clone())))
}

#[test]
fn a_body_that_stalls_is_answered_408_and_its_connection_closed() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let server = serve(config, answer_by_body);
    for rest in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let mut client = server.connect();
        let start = Instant::now();
        client.send(format!("{HEAD}{rest}").as_bytes());
        let answer = client.answer();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("connection: close") && answer.contains("-32600"), "{answer}");
        assert!(start.elapsed() >= Duration::from_millis(300));
        assert!(client.closed() < Duration::from_secs(3), "{rest:?}");
    }
}

#[test]
fn an_endless_body_after_a_rejection_does_not_keep_the_connection_open() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let server = serve(config, answer_by_body);
    let heads = [HEAD, "POST /api HTTP/1.1\r\nHost: evil.net\r\n", "PUT /api HTTP/1.1\r\nHost: localhost\r\n"];
    for head in heads {
        let mut client = server.connect();
        client.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        let start = Instant::now();
        while std::io::Write::write_all(&mut client.stream, chunk.as_bytes()).is_ok() {
            assert!(start.elapsed() < Duration::from_secs(5), "{head}");
        }
    }
}

#[test]
fn a_slow_trickle_does_not_extend_the_body_timeout() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let server = serve(config, answer_by_body);
    let mut client = server.connect();
    client.send(format!("{HEAD}Content-Length: 900\r\n\r\n").as_bytes());
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(50));
        client.send(b"x");
    }
    assert!(client.answer().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_body_over_the_limit_is_answered_413_before_it_has_arrived() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let server = serve(config, answer_by_body);
    let mut declared = server.connect();
    declared.send(format!("{HEAD}Content-Length: 1001\r\n\r\n").as_bytes());
    assert!(declared.answer().starts_with("HTTP/1.1 413 "));
    declared.closed();
    let mut chunked = server.connect();
    chunked.send(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
    for _ in 0..3 {
        chunked.send(format!("190\r\n{}\r\n", "x".repeat(400)).as_bytes());
    }
    assert!(chunked.answer().starts_with("HTTP/1.1 413 "));
}

#[test]
fn a_stop_gives_up_stalled_bodies_finishes_running_calls_and_closes_idle_connections() {
    let (config, stop) = config(ErrorStatus::Ok, &[]);
    let config = Arc::new(EndpointConfig {
        body: BodyLimits { time: Duration::from_secs(60), bytes: 1000 },
        guard: RequestGuard::new::<&str>(
            &[],
            &Cors { origins: &[], headers: &[], any_over_loopback: false },
            &config.token_header,
        )
        .unwrap(),
        token_header: config.token_header.clone(),
        proxies: Arc::default(),
        websocket: WEBSOCKET,
        status: ErrorStatus::Ok,
        counters: ServerCounters::default(),
        logging: RequestLogging::default(),
        stopping: config.stopping.clone(),
    });
    let running = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&running);
    let mut server = serve(config, async move |body: &[u8], _: RequestMeta<'_>| {
        if body == b"slow" {
            seen.fetch_add(1, Ordering::SeqCst);
            rt::time::sleep(Duration::from_millis(1500)).await;
        }
        answer("done")
    });
    let mut idle = server.connect();
    idle.send(format!("{HEAD}Content-Length: 4\r\n\r\nfast").as_bytes());
    assert!(idle.answer().starts_with("HTTP/1.1 200 "));
    let mut half_a_head = server.connect();
    half_a_head.send(format!("{HEAD}Content-Length: 4\r\n\r\nfast").as_bytes());
    half_a_head.answer();
    half_a_head.send(b"POST /api HT");
    let mut stalled = server.connect();
    stalled.send(format!("{HEAD}Content-Length: 10\r\n\r\nabc").as_bytes());
    let mut slow = server.connect();
    slow.send(format!("{HEAD}Content-Length: 4\r\n\r\nslow").as_bytes());
    wait_until("the slow call runs", || running.load(Ordering::SeqCst) == 1);

    let start = Instant::now();
    stop.send_replace(true);
    server.stop();
    assert!(idle.closed() < Duration::from_millis(500));
    assert!(half_a_head.closed() < Duration::from_millis(500));
    let refused = stalled.answer();
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("-32003"), "{refused}");
    assert!(start.elapsed() < Duration::from_millis(1000));
    let answer = slow.answer();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    server.stopped();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

struct Dropped(Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_waiting_call_is_dropped_when_its_client_disconnects() {
    let (config, _stop) = config(ErrorStatus::Ok, &[]);
    let (running, dropped) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (started, guard) = (Arc::clone(&running), Arc::clone(&dropped));
    let server = serve(config, async move |_: &[u8], _: RequestMeta<'_>| {
        let _guard = Dropped(Arc::clone(&guard));
        started.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<RpcResponse>().await
    });
    let mut gone = server.connect();
    gone.send(format!("{HEAD}Content-Length: 1\r\n\r\nx").as_bytes());
    wait_until("the first call runs", || running.load(Ordering::SeqCst) == 1);
    drop(gone);
    wait_until("its future is dropped", || dropped.load(Ordering::SeqCst) == 1);
    let mut half_closed = server.connect();
    half_closed.send(format!("{HEAD}Content-Length: 1\r\n\r\nx").as_bytes());
    wait_until("the second call runs", || running.load(Ordering::SeqCst) == 2);
    half_closed.stream.shutdown(std::net::Shutdown::Write).unwrap();
    wait_until("its future is dropped", || dropped.load(Ordering::SeqCst) == 2);
    half_closed.closed();
}
