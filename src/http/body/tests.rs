use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::super::raw_server::{RawServer, RawServerOptions};
use super::*;

const LIMITS: BodyLimits = BodyLimits { bytes: 1024 * 1024, time: Duration::from_secs(10) };

/// Answers with the length of the body.
async fn length(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let (_stop, stopping) = watch::channel(false);
    let connection = request.conn_data::<Rc<ConnectionState>>().map(Rc::as_ref);
    match read(&mut payload.into_inner(), request.headers(), &LIMITS, &stopping, connection).await {
        Ok(body) => HttpResponse::Ok().body(body.len().to_string()),
        Err(rejection) => HttpResponse::build(rejection.status()).finish(),
    }
}

/// Starts a server with this route and no other.
fn serve<F>(handle: impl Fn(HttpRequest, web::Payload) -> F + Clone + Send + 'static) -> RawServer
where
    F: Future<Output = HttpResponse> + 'static,
{
    RawServer::start(RawServerOptions::default(), move || {
        let handle = handle.clone();
        move |config: &mut ServiceConfig| {
            config.default_service(web::to(handle));
        }
    })
}

fn with_length(length: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length))
}

fn chunked(chunks: &[usize]) -> String {
    let chunks = chunks.iter().map(|&length| format!("{length:x}\r\n{}\r\n", "x".repeat(length)));
    let chunks = chunks.collect::<String>();
    format!("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
}

#[test]
fn a_body_is_read_whole_in_however_many_pieces_it_comes() {
    let server = serve(length);
    let rows = [
        (with_length(0), "0"),
        (with_length(3), "3"),
        (with_length(300_000), "300000"),
        (with_length(1024 * 1024), "1048576"),
        (chunked(&[]), "0"),
        (chunked(&[3]), "3"),
        (chunked(&[3, 1000, 1]), "1004"),
        (chunked(&[200_000, 100_000]), "300000"),
    ];
    for (request, expected) in rows {
        let mut client = server.connect();
        client.send(request.as_bytes());
        let answer = client.answer();
        assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "{expected} at once: {answer}");
        let (head, body) = request.split_at(request.find("\r\n\r\n").unwrap() + 4);
        let pieces = [&head[..10], &head[10..], &body[..body.len() / 2], &body[body.len() / 2..]];
        for piece in pieces {
            client.send(piece.as_bytes());
            std::thread::sleep(Duration::from_millis(5));
        }
        let answer = client.answer();
        assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "{expected} in pieces: {answer}");
        client.send(request.repeat(2).as_bytes());
        for _ in 0..2 {
            let answer = client.answer();
            assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "two of {expected} at once: {answer}");
        }
    }
}

/// Counts of the polls of a response future, and of the wakes that it asked for.
#[derive(Default)]
struct PollCounts {
    polls: AtomicUsize,
    wakes: AtomicUsize,
}

/// A response future that some polls of its connection do not reach.
struct SkippingFuture {
    answer: Pin<Box<dyn Future<Output = HttpResponse>>>,
    skip: Range<usize>,
    seen: Arc<PollCounts>,
}

impl Future for SkippingFuture {
    type Output = HttpResponse;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<HttpResponse> {
        let poll = self.seen.polls.fetch_add(1, Ordering::Relaxed);
        if self.skip.contains(&poll) {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::new(CountingWaker { waker: cx.waker().clone(), seen: Arc::clone(&self.seen) }));
        self.answer.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

struct CountingWaker {
    waker: Waker,
    seen: Arc<PollCounts>,
}

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.seen.wakes.fetch_add(1, Ordering::Relaxed);
        self.waker.wake_by_ref();
    }
}

#[test]
fn a_body_that_came_with_its_head_causes_no_wake_and_is_read_at_the_next_poll() {
    let seen = Arc::new(Mutex::new(Arc::new(PollCounts::default())));
    let skip = Arc::new(Mutex::new(0..0));
    let (shown, skipped) = (Arc::clone(&seen), Arc::clone(&skip));
    let server = serve(move |request, payload| {
        let (skip, seen) = (skipped.lock().unwrap().clone(), Arc::clone(&shown.lock().unwrap()));
        SkippingFuture { answer: Box::pin(length(request, payload)), skip, seen }
    });
    // actix polls twice in a row. If the second poll does not reach the response future, there is
    // no further one unless the stream of the connection asks for it.
    for (skipped, polls) in [(0..0, 2), (1..2, 3)] {
        *skip.lock().unwrap() = skipped.clone();
        let mut client = server.connect();
        for request in [with_length(7), with_length(7), chunked(&[3, 4])] {
            let fresh = Arc::new(PollCounts::default());
            *seen.lock().unwrap() = Arc::clone(&fresh);
            client.send(request.as_bytes());
            let answer = client.answer();
            assert!(answer.ends_with("\r\n\r\n7"), "{answer}");
            let seen = (fresh.polls.load(Ordering::Relaxed), fresh.wakes.load(Ordering::Relaxed));
            assert_eq!(seen, (polls, 0), "without the polls {skipped:?} of {request:?}");
        }
    }
}
