use std::future::ready;

use actix_web::dev::ServiceResponse;
use actix_web::error::ErrorImATeapot;
use actix_web::{HttpResponse, web};

use super::super::test_server::{TestServer, Tuning, wait_until};
use super::*;

const PATIENCE: Duration = Duration::from_millis(600);

fn serve(limits: ConnectionLimits) -> TestServer {
    let tuning = Tuning { limits, half_closed: true };
    TestServer::start(tuning, || {
        |config: &mut web::ServiceConfig| {
            let broken = web::scope("/error").wrap_fn(|_, _| ready(Err::<ServiceResponse, _>(ErrorImATeapot("tea"))));
            config
                .service(broken)
                .route("/", web::get().to(|| async { "hello" }))
                .route("/echo", web::post().to(|body: web::Bytes| async { body }))
                .route(
                    "/mirror",
                    web::post().to(|body: web::Payload| async {
                        // An answer that begins before the request has ended is the last one of its connection.
                        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
                        HttpResponse::Ok().streaming(body)
                    }),
                )
                .route("/large", web::get().to(|| async { vec![b'x'; 64 << 20] }))
                .route(
                    "/slow",
                    web::get().to(|| async {
                        actix_web::rt::time::sleep(PATIENCE * 3).await;
                        "slow"
                    }),
                );
        }
    })
}

fn patient() -> ConnectionLimits {
    ConnectionLimits { total: 100, per_peer: 100, patience: PATIENCE }
}

#[test]
fn a_connection_that_keeps_us_waiting_is_ended() {
    let server = serve(patient());
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
        assert!(waited >= PATIENCE && waited < PATIENCE * 3, "{name}: {waited:?}");
    }
    wait_until("none is left", || server.connections.count() == 0);
}

#[test]
fn a_client_that_does_not_take_its_answer_is_given_up() {
    let server = serve(patient());
    let mut client = server.connect();
    client.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until("it is connected", || server.connections.count() == 1);
    wait_until("it is ended", || server.connections.count() == 0);
    assert!(client.closed() < PATIENCE * 3);
}

#[test]
fn who_waits_for_us_or_takes_a_large_answer_piece_by_piece_is_not_ended() {
    let server = serve(patient());
    let mut slow = server.connect();
    slow.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(slow.answer().ends_with("slow"));

    let mut large = server.connect();
    large.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (mut taken, mut buffer) = (0, vec![0; 1 << 20]);
    // Slower than the patience in all, never for as long at once.
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
fn connections_beyond_the_limit_are_answered_503_until_others_go() {
    for limits in [ConnectionLimits { total: 2, ..patient() }, ConnectionLimits { per_peer: 2, ..patient() }] {
        let server = serve(ConnectionLimits { patience: Duration::from_secs(30), ..limits });
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
