//! The end of a service, and calls between services.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callbox::{RpcError, Running, Server, ServiceRef, service};
use futures::future::{join, join_all};
use tokio::sync::{Notify, OnceCell};
use tokio::time::sleep;

#[derive(Default)]
struct Probe {
    ran: AtomicU64,
    stopped_with: AtomicU64,
    stops: AtomicU64,
    entered: Notify,
}

struct Worker {
    probe: Arc<Probe>,
    done: u64,
}

#[service(name = "worker")]
impl Worker {
    #[public_method]
    async fn work(&mut self, millis: u64) -> u64 {
        self.probe.entered.notify_one();
        sleep(Duration::from_millis(millis)).await;
        self.probe.ran.fetch_add(1, Ordering::SeqCst);
        self.done += 1;
        self.done
    }

    #[public_method]
    async fn watch(&self, millis: u64) {
        self.probe.entered.notify_one();
        sleep(Duration::from_millis(millis)).await;
    }

    #[public_method(compute)]
    fn grind(millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    #[on_stop]
    async fn end(&mut self) {
        tokio::task::yield_now().await;
        self.probe.stops.fetch_add(1, Ordering::SeqCst);
        self.probe.stopped_with.store(self.done, Ordering::SeqCst);
    }
}

async fn launch(drain: Duration) -> (Arc<Probe>, Running, ServiceRef<Worker>) {
    let probe = Arc::new(Probe::default());
    let factory = Arc::clone(&probe);
    let server = Server::new(move || Worker { probe: Arc::clone(&factory), done: 0 }).drain(drain);
    let running = server.launch().await.unwrap();
    let worker = running.service::<Worker>().unwrap();
    (probe, running, worker)
}

fn code<T>(reply: &Result<T, RpcError>) -> i32 {
    reply.as_ref().err().map_or(0, RpcError::code)
}

#[actix_web::test]
async fn a_stop_runs_what_was_let_in_and_then_the_hook() {
    let (probe, running, worker) = launch(Duration::from_secs(20)).await;
    let calls = join_all((0..20).map(|_| worker.call(Work { millis: 5 })));
    let stop = async {
        probe.entered.notified().await;
        running.stop().await;
    };
    let (replies, ()) = join(calls, stop).await;
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
    assert_eq!(probe.stopped_with.load(Ordering::SeqCst), 20);
    assert_eq!(code(&worker.call(Work { millis: 0 }).await), -32003, "nothing is let in any more");
    assert!(!running.is_ready());
    running.stop().await;
    assert_eq!(probe.stops.load(Ordering::SeqCst), 1, "a second stop does nothing");
}

#[actix_web::test]
async fn at_the_drain_limit_what_has_not_begun_may_be_retried_and_what_runs_is_cut_off() {
    let (probe, running, worker) = launch(Duration::from_millis(100)).await;
    let running_call = worker.call(Work { millis: 60_000 });
    let queued = async {
        probe.entered.notified().await;
        worker.call(Work { millis: 0 }).await
    };
    let stop = async {
        sleep(Duration::from_millis(50)).await;
        let start = Instant::now();
        running.stop().await;
        start.elapsed()
    };
    let ((cut, queued), took) = join(join(running_call, queued), stop).await;
    assert_eq!((code(&cut), code(&queued)), (-32603, -32003));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(probe.stops.load(Ordering::SeqCst), 0, "the writer was cut off half-way: no hook on a torn state");
}

#[actix_web::test]
async fn readers_that_are_cut_off_leave_a_whole_state_for_the_hook() {
    let (probe, running, worker) = launch(Duration::from_millis(100)).await;
    worker.call(Work { millis: 0 }).await.unwrap();
    probe.entered.notified().await;
    let read = worker.call(Watch { millis: 60_000 });
    let stop = async {
        probe.entered.notified().await;
        running.stop().await;
    };
    let (read, ()) = join(read, stop).await;
    assert_eq!(code(&read), -32603);
    assert_eq!(probe.stopped_with.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_stop_waits_for_the_worker_pool() {
    let (_probe, running, worker) = launch(Duration::from_secs(20)).await;
    let grind = worker.call(Grind { millis: 100 });
    let stop = async {
        sleep(Duration::from_millis(20)).await;
        running.stop().await;
    };
    assert_eq!(join(grind, stop).await.0, Ok(()));
}

/// Two services that call each other.
struct Front {
    back: Arc<OnceCell<ServiceRef<Back>>>,
}

struct Back {
    front: Arc<OnceCell<ServiceRef<Front>>>,
}

#[service(name = "front", namespace = "front")]
impl Front {
    #[public_method]
    async fn ask(&self, millis: u64) -> Result<String, RpcError> {
        self.back.get().unwrap().call(Answer { millis }).await
    }

    #[public_method(deadline = "500ms")]
    async fn ask_quickly(&mut self) -> Result<String, RpcError> {
        self.back.get().unwrap().call(Answer { millis: 60_000 }).await
    }

    #[public_method]
    async fn ask_round(&self) -> Result<String, RpcError> {
        self.back.get().unwrap().call(AskBack {}).await
    }

    #[public_method]
    async fn hello(&self) -> String {
        "hello".to_owned()
    }
}

#[service(name = "back", namespace = "back")]
impl Back {
    #[public_method]
    async fn answer(&self, millis: u64) -> String {
        sleep(Duration::from_millis(millis)).await;
        "answer".to_owned()
    }

    #[public_method]
    async fn ask_back(&self) -> Result<String, RpcError> {
        self.front.get().unwrap().call(Hello {}).await
    }
}

async fn pair() -> (Running, ServiceRef<Front>, ServiceRef<Back>) {
    let (back, front) = (Arc::new(OnceCell::new()), Arc::new(OnceCell::new()));
    let (to_back, to_front) = (Arc::clone(&back), Arc::clone(&front));
    let server = Server::new(move || Front { back: Arc::clone(&to_back) });
    let running = server.service(move || Back { front: Arc::clone(&to_front) }).launch().await.unwrap();
    back.set(running.service().unwrap()).unwrap();
    front.set(running.service().unwrap()).unwrap();
    let (front, back) = (running.service().unwrap(), running.service().unwrap());
    (running, front, back)
}

#[actix_web::test]
async fn a_service_may_call_another() {
    let (_running, front, _) = pair().await;
    assert_eq!(front.call(Ask { millis: 1 }).await.unwrap(), "answer");
}

#[actix_web::test]
async fn a_call_that_would_come_back_to_a_waiting_service_is_refused_at_once() {
    let (_running, front, back) = pair().await;
    assert_eq!(back.call(AskBack {}).await.unwrap(), "hello", "one way is fine");
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(code(&front.call(AskRound {}).await), -32603);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "not by a deadline: {:?}", start.elapsed());
}

#[actix_web::test]
async fn a_call_within_a_call_has_no_more_time_than_the_outer_one() {
    let (_running, front, back) = pair().await;
    assert_eq!(code(&front.call(AskQuickly {}).await), -32002);
    // Its caller has been answered; the method itself runs on until its own call is given up.
    front.settled().await;
    back.settled().await;
    let answer = back.stats().into_iter().find(|stats| stats.method == "back.answer").unwrap();
    assert_eq!((answer.expired, answer.answered), (1, 0));
}
