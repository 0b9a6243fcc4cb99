use std::collections::VecDeque;
use std::future::ready;
use std::sync::atomic::AtomicBool;

use actix_web::dev::ServiceResponse;
use actix_web::error::ErrorImATeapot;
use actix_web::{HttpResponse, web};

use super::super::raw_server::{RawClient, RawServer, RawServerOptions, wait_until};
use super::*;

const STALL_TIMEOUT: Duration = Duration::from_millis(600);

fn serve(limits: ConnectionLimits) -> RawServer {
    serve_with(RawServerOptions { limits, half_closed: true, ..RawServerOptions::default() })
}

fn serve_with(tuning: RawServerOptions) -> RawServer {
    RawServer::start(tuning, || {
        |config: &mut web::ServiceConfig| {
            let broken = web::scope("/error").wrap_fn(|_, _| ready(Err::<ServiceResponse, _>(ErrorImATeapot("tea"))));
            config
                .service(broken)
                .route("/", web::get().to(|| async { "hello" }))
                .route("/echo", web::post().to(|body: web::Bytes| async { body }))
                .route(
                    "/mirror",
                    web::post().to(|body: web::Payload| async {
                        // A response that begins before the request has ended is the last one of
                        // its connection.
                        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
                        HttpResponse::Ok().streaming(body)
                    }),
                )
                .route("/large", web::get().to(|| async { vec![b'x'; 64 << 20] }))
                .route(
                    "/slow",
                    web::get().to(|| async {
                        actix_web::rt::time::sleep(STALL_TIMEOUT * 3).await;
                        "slow"
                    }),
                );
        }
    })
}

fn short_timeouts() -> ConnectionLimits {
    ConnectionLimits {
        total: 100,
        per_peer: 100,
        stall_timeout: STALL_TIMEOUT,
        stream_stall_timeout: STALL_TIMEOUT,
        keep_alive: STALL_TIMEOUT,
    }
}

#[test]
fn a_connection_that_stalls_is_closed() {
    let server = serve(short_timeouts());
    let hello = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let cases = [
        ("before the first head", String::new()),
        ("in the first head", "GET / HT".to_owned()),
        ("after an answer", hello.to_owned()),
        ("in the second head", format!("{hello}GET / HT")),
        ("in a body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc".to_owned()),
        ("in a mirrored body", "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc".to_owned()),
        ("after a mirrored body", "POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".to_owned()),
        ("in an unread chunked body", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()),
        ("after a 404", "GET /none HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("after an error", "GET /error HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
    ];
    for (name, sent) in cases {
        let mut client = server.connect();
        client.send(sent.as_bytes());
        let waited = client.closed();
        assert!(waited >= STALL_TIMEOUT * 9 / 10 && waited < STALL_TIMEOUT * 8, "{name}: {waited:?}");
    }
    wait_until("none is left", || server.connections.count() == 0);
}

#[test]
fn a_client_that_does_not_read_its_response_is_disconnected() {
    let server = serve(short_timeouts());
    let mut client = server.connect();
    client.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until("it is connected", || server.connections.count() == 1);
    wait_until("it is ended", || server.connections.count() == 0);
    assert!(client.closed() < STALL_TIMEOUT * 3);
}

#[test]
fn a_client_that_waits_or_reads_a_large_response_slowly_is_not_disconnected() {
    let server = serve(short_timeouts());
    let mut slow = server.connect();
    slow.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(slow.answer().ends_with("slow"));

    let mut large = server.connect();
    large.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (mut taken, mut buffer) = (0, vec![0; 1 << 20]);
    // Slower than the stall timeout in total, but never silent for that long.
    loop {
        match std::io::Read::read(&mut large.stream, &mut buffer).unwrap() {
            0 => break,
            read => taken += read,
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(taken > 64 << 20, "{taken}");
}

#[test]
fn connections_beyond_the_limit_are_answered_503_until_others_close() {
    for limits in
        [ConnectionLimits { total: 2, ..short_timeouts() }, ConnectionLimits { per_peer: 2, ..short_timeouts() }]
    {
        let server = serve(ConnectionLimits { stall_timeout: Duration::from_secs(30), ..limits });
        let mut welcome = [server.connect(), server.connect()];
        for client in &mut welcome {
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert!(client.answer().starts_with("HTTP/1.1 200 "));
        }
        let mut refused = server.connect();
        refused.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = refused.answer();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1"), "{answer}");
        refused.closed();
        drop(welcome);
        wait_until("they are gone", || server.connections.count() == 0);
        let mut next = server.connect();
        next.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(next.answer().starts_with("HTTP/1.1 200 "));
    }
}

/// A client from another address of this machine.
fn connect_from(server: &RawServer, own: [u8; 4]) -> RawClient {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    // The system buffers only a little of what the client does not read.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(&std::net::SocketAddr::from((own, 0)).into()).unwrap();
    socket.connect(&server.addr.into()).unwrap();
    let stream = std::net::TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    RawClient { stream }
}

#[test]
fn silent_rejected_connections_close_soon_and_take_no_slot_of_others() {
    let limits = ConnectionLimits {
        total: 4,
        per_peer: 2,
        stall_timeout: Duration::from_secs(30),
        keep_alive: Duration::from_secs(30),
        ..short_timeouts()
    };
    let server = serve(limits);
    let mut silent: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for n in 2..4 {
        let mut other = connect_from(&server, [127, 0, 0, n]);
        other.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = other.answer();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{n}: {answer}");
    }
    for (n, client) in silent.iter_mut().enumerate().skip(2) {
        assert!(client.closed() < Duration::from_secs(3), "{n}");
    }
}

#[test]
fn a_trusted_proxy_may_have_as_many_connections_as_there_may_be_in_all() {
    let minute = Duration::from_secs(60);
    let limits =
        ConnectionLimits { total: 6, per_peer: 2, stall_timeout: minute, keep_alive: minute, ..short_timeouts() };
    let proxies = Arc::new(TrustedProxies::new(&["127.0.0.2/31"]).unwrap());
    let server = serve_with(RawServerOptions { limits, proxies, ..RawServerOptions::default() });
    let status = |last_byte: u8| {
        let mut client = connect_from(&server, [127, 0, 0, last_byte]);
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        (client.answer().get(..12).map(str::to_owned), client)
    };
    let mut open = Vec::new();
    for (last_byte, expected) in
        [(3, "200"), (3, "200"), (3, "200"), (3, "200"), (4, "200"), (4, "200"), (3, "503"), (5, "503")]
    {
        let (status, client) = status(last_byte);
        assert_eq!(status, Some(format!("HTTP/1.1 {expected}")), "127.0.0.{last_byte}, {} are open", open.len());
        open.push(client);
    }
    // Those of the proxy count towards the total, but not towards anybody's limit.
    drop(open);
    wait_until("all slots are free", || server.connections.count() == 0);
    let one = status(4);
    let other = status(4);
    assert_eq!([&one.0, &other.0], [&Some("HTTP/1.1 200".to_owned()); 2]);
    assert_eq!(status(4).0.as_deref(), Some("HTTP/1.1 503"), "the limit of other peers stays");
}

#[test]
fn a_peer_that_is_rejected_repeatedly_delays_no_other_even_at_a_low_limit() {
    let minute = Duration::from_secs(60);
    let server = serve(ConnectionLimits {
        total: 4,
        per_peer: 2,
        stall_timeout: minute,
        keep_alive: minute,
        ..short_timeouts()
    });
    let go_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut silent, start) = (VecDeque::new(), std::time::Instant::now());
            while go_on.load(Ordering::SeqCst) && start.elapsed() < Duration::from_secs(20) {
                silent.push_back(server.connect());
                if silent.len() > 200 {
                    silent.pop_front();
                }
            }
        });
        let start = std::time::Instant::now();
        let mut answered = 0;
        while start.elapsed() < Duration::from_secs(2) {
            let mut other = connect_from(&server, [127, 0, 0, 2]);
            other.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            assert!(other.answer().starts_with("HTTP/1.1 200 "));
            answered += 1;
        }
        go_on.store(false, Ordering::SeqCst);
        assert!(answered >= 10, "{answered}");
    });
}

#[test]
fn a_request_that_arrives_as_its_connection_times_out_is_answered() {
    let minute = Duration::from_secs(60);
    let server = serve(ConnectionLimits {
        total: 4,
        per_peer: 4,
        stall_timeout: minute,
        keep_alive: minute,
        ..short_timeouts()
    });
    let mut client = server.connect();
    client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until("the request has come", || {
        server.connections.open.lock().activities.values().any(|activity| !activity.is_waiting_for_client())
    });
    // Does what the watch does if it looked just before the request arrived.
    server.connections.open.lock().activities.values().for_each(|activity| _ = activity.time_out());
    assert!(client.answer().ends_with("slow"));
}

#[test]
fn bytes_that_cannot_be_a_request_are_answered_400_at_once() {
    let server = serve(short_timeouts());
    let mut client = server.connect();
    client.send(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]);
    let answer = client.answer();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[test]
fn a_client_that_sends_many_requests_and_reads_no_responses_is_disconnected() {
    let server = serve_with(RawServerOptions {
        limits: short_timeouts(),
        send_buffer: Some(16 * 1024),
        ..RawServerOptions::default()
    });
    let requests = [
        ("small", "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("with a body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".to_owned()),
        ("after a slow one", "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("not to be parsed", "GET / HTTP/1.1\r\nHost: a\r\n\r\nwhat?\r\n\r\n".to_owned()),
    ];
    for (name, request) in requests {
        let client = connect_from(&server, [127, 0, 0, 1]);
        client.stream.set_nonblocking(true).unwrap();
        let first = if name == "after a slow one" { "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" } else { "" };
        let all = first.to_owned() + &request.repeat((4 << 20) / request.len());
        let (mut rest, start) = (all.as_bytes(), std::time::Instant::now());
        // Writes until the server has closed the connection, which makes a write fail.
        loop {
            let next = if rest.is_empty() { b"G" } else { rest };
            match std::io::Write::write(&mut &client.stream, next) {
                Ok(count) => rest = &rest[count.min(rest.len())..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(_) => break,
            }
            assert!(start.elapsed() < Duration::from_secs(15), "{name}: it is not ended");
        }
        wait_until("it is gone", || server.connections.count() == 0);
    }
}

#[test]
fn an_idle_connection_is_kept_for_longer_than_one_that_stalls() {
    const KEEP_ALIVE: Duration = Duration::from_secs(5);
    let server = serve(ConnectionLimits { keep_alive: KEEP_ALIVE, ..short_timeouts() });
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let large = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n{}", "x".repeat(200_000));
    let refused = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let slow = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    let requests =
        [get.clone(), chunked.to_owned(), post.to_owned(), large, refused.to_owned(), slow, get.clone() + post + &get];
    std::thread::scope(|scope| {
        for request in &requests {
            let name = &request[..request.len().min(40)];
            let (server, answers) = (&server, if request.starts_with(&(get.clone() + post)) { 3 } else { 1 });
            let begin = move || {
                let mut client = server.connect();
                client.send(request.as_bytes());
                (0..answers).for_each(|_| assert!(client.answer().starts_with("HTTP/1.1 ")));
                client
            };
            scope.spawn(move || {
                let waited = begin().closed();
                assert!(waited >= KEEP_ALIVE * 9 / 10, "idle after {name}: {waited:?}");
            });
            scope.spawn(move || {
                let mut client = begin();
                std::thread::sleep(STALL_TIMEOUT * 2);
                client.send(b"G");
                let waited = client.closed();
                assert!(
                    waited >= STALL_TIMEOUT * 9 / 10 && waited < KEEP_ALIVE / 2,
                    "stalled after {name}: {waited:?}"
                );
            });
            scope.spawn(move || {
                // The head of a further request begins together with the request, or while it is
                // answered.
                let mut client = server.connect();
                client.send((request.clone() + "GET / HT").as_bytes());
                (0..answers).for_each(|_| assert!(client.answer().starts_with("HTTP/1.1 ")));
                let waited = client.closed();
                assert!(waited < KEEP_ALIVE / 2, "stalled with {name}: {waited:?}");
            });
        }
    });
    let mut client = server.connect();
    client.send(get.as_bytes());
    client.answer();
    std::thread::sleep(STALL_TIMEOUT * 2);
    client.send(get.as_bytes());
    assert!(client.answer().ends_with("hello"), "it is still there");
}
