//! The life of a service: its factory, its tasks, its restarts, and its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbox::{Server, ServiceContext, ServiceFactory, service, testing};
use callbox_test_support::wait::until;
use futures::future::LocalBoxFuture;

/// How often something happened, seen from outside the service.
#[derive(Clone, Default)]
struct Seen {
    made: Arc<AtomicUsize>,
    tasks: Arc<AtomicUsize>,
    stopped_with: Arc<AtomicUsize>,
}

/// Counts a task while it exists.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Ticker {
    seen: Seen,
    context: ServiceContext,
    ticks: u64,
}

impl Ticker {
    /// Two tasks that never end: one is started here, one by `on_start`.
    fn factory(
        seen: &Seen,
    ) -> impl Fn(ServiceContext) -> LocalBoxFuture<'static, io::Result<Self>> + Send + Sync + use<> {
        let seen = seen.clone();
        move |context| {
            let seen = seen.clone();
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                seen.made.fetch_add(1, Ordering::SeqCst);
                let ticker = Self { seen, context, ticks: 0 };
                ticker.start_task();
                Ok(ticker)
            })
        }
    }

    fn start_task(&self) {
        let (alive, me) = (Alive::new(&self.seen.tasks), TickerClient::from(self.context.me()));
        self.context.spawn(async move {
            let _alive = alive;
            loop {
                let _ = me.notify(me.tick()).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
}

#[service(name = "ticker")]
impl Ticker {
    #[public_method]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    #[public_method]
    fn ticks(&self) -> u64 {
        self.ticks
    }

    #[public_method]
    fn crash(&mut self) {
        panic!("it crashes");
    }

    /// Starts a task that panics at once.
    #[public_method]
    fn fail_a_task(&self) {
        self.context.spawn(async { panic!("in a task") });
    }

    #[public_method]
    fn finish_tasks(&self, count: usize) {
        (0..count).for_each(|_| self.context.spawn(async {}));
    }

    #[on_start]
    fn start(&mut self) {
        self.start_task();
    }

    #[on_stop]
    fn stop(&mut self) {
        self.seen.stopped_with.store(self.seen.tasks.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

#[test]
fn tasks_run_until_their_state_ends_and_never_twice() {
    let seen = Seen::default();
    seen.stopped_with.store(usize::MAX, Ordering::SeqCst);
    let server = testing::start(Server::new(Ticker::factory(&seen)));
    until("it ticks", || server.call(Ticker_Ticks {}).unwrap() > 3);
    for crashes in 1..=3 {
        assert_eq!(seen.tasks.load(Ordering::SeqCst), 2, "after {} crashes", crashes - 1);
        server.call(Ticker_Crash {}).unwrap_err();
        until("it is made again", || seen.made.load(Ordering::SeqCst) == crashes + 1);
        until("it ticks again", || server.call(Ticker_Ticks {}).is_ok_and(|ticks| ticks > 3));
    }
    assert_eq!(seen.tasks.load(Ordering::SeqCst), 2);
    drop(server);
    assert_eq!(seen.tasks.load(Ordering::SeqCst), 0);
    assert_eq!(seen.stopped_with.load(Ordering::SeqCst), 0, "they end before on_stop");
}

#[test]
fn a_task_that_panics_is_counted_and_hurts_nobody() {
    let server = testing::start(Server::new(Ticker::factory(&Seen::default())));
    server.call(Ticker_FailATask {}).unwrap();
    server.call(Ticker_FinishTasks { count: 100 }).unwrap();
    let stats = || server.stats().remove(0);
    until("the panic is counted", || (stats().tasks, stats().task_panics) == (2, 1));
    assert_eq!(stats().restarts, 0);
    server.call(Ticker_Ticks {}).unwrap();
}

/// The four forms of a factory that the compiler has to tell apart, and those that may fail.
#[derive(Debug, Default)]
struct Plain(u8);

#[service(name = "plain")]
impl Plain {
    #[public_method]
    fn number(&self) -> u8 {
        self.0
    }
}

fn number<Kind: 'static>(factory: impl ServiceFactory<Plain, Kind>) -> u8 {
    testing::in_process(factory).call(Plain_Number {}).unwrap()
}

async fn connect() -> Result<Plain, std::num::ParseIntError> {
    Ok(Plain("5".parse()?))
}

async fn connect_with(context: ServiceContext) -> Plain {
    let _ = context.me();
    Plain(6)
}

#[test]
fn a_factory_may_be_sync_or_async_and_may_fail_and_may_take_the_context() {
    assert_eq!(number(Plain::default), 0);
    assert_eq!(number(|| Plain(1)), 1);
    assert_eq!(number(|| "2".parse().map(Plain)), 2);
    assert_eq!(number(|_: ServiceContext| Plain(3)), 3);
    assert_eq!(number(async || Plain(4)), 4);
    assert_eq!(number(connect), 5);
    assert_eq!(number(connect_with), 6);
    assert_eq!(number(async |_: ServiceContext| Ok::<_, std::io::Error>(Plain(7))), 7);
}

#[test]
fn the_error_of_the_first_start_is_that_of_the_server() {
    let refuses = || Err::<Plain, _>(std::io::Error::other("no database"));
    let error = actix::System::new().block_on(Server::new(refuses).launch()).unwrap_err();
    assert_eq!(error.to_string(), "the service plain could not start: its factory failed: no database");
    let panics = || -> Plain { panic!("no disk") };
    let error = actix::System::new().block_on(Server::new(panics).launch()).unwrap_err();
    assert_eq!(error.to_string(), "the service plain could not start: its factory panicked: no disk");
}

#[derive(Default)]
struct Fragile;

#[service(name = "fragile")]
impl Fragile {
    #[public_method]
    fn crash(&mut self) {
        panic!("it crashes");
    }

    #[public_method]
    fn ping(&self) {}
}

#[test]
fn after_a_crash_the_factory_is_asked_until_it_succeeds() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let factory = move || match count.fetch_add(1, Ordering::SeqCst) {
        1 => Err(std::io::Error::other("the database is away")),
        _ => Ok(Fragile),
    };
    let server = testing::start(Server::new(factory));
    server.call(Fragile_Crash {}).unwrap_err();
    until("it is up again", || server.call(Fragile_Ping {}).is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

/// A service whose database may be away.
struct Connected {
    away: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

#[service(name = "connected")]
impl Connected {
    #[public_method]
    fn ping(&self) {}

    #[ready]
    async fn ready(&self) -> Result<(), io::Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) == 0 { Ok(()) } else { Err(io::Error::other("the database is away")) }
    }
}

#[test]
fn a_service_says_itself_whether_it_is_ready() {
    let (away, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let shared = (Arc::clone(&away), Arc::clone(&asked));
    let factory = move || Connected { away: Arc::clone(&shared.0), asked: Arc::clone(&shared.1) };
    let server = testing::start(Server::new(factory).service(Plain::default));
    let ready = || {
        let response = server.get("/health/ready");
        (response.status, serde_json::from_str::<serde_json::Value>(&response.body).unwrap())
    };
    let all = |connected: bool| serde_json::json!({ "ready": connected, "services": { "connected": connected, "plain": true } });
    for _ in 0..20 {
        assert_eq!(ready(), (200, all(true)));
    }
    assert!(asked.load(Ordering::SeqCst) < 5, "it is asked once a second");
    away.store(1, Ordering::SeqCst);
    until("it is not ready", || ready() == (503, all(false)));
    assert!(server.call(Connected_Ping {}).is_ok(), "it still answers calls");
    away.store(0, Ordering::SeqCst);
    until("it is ready again", || ready() == (200, all(true)));
    let methods = server.stats().remove(0).methods;
    assert_eq!(methods.into_iter().map(|method| method.method).collect::<Vec<_>>(), ["ping"]);
    let unknown = server.rpc(&serde_json::json!({ "jsonrpc": "2.0", "method": "rpc.ready", "id": 1 }));
    assert_eq!(unknown["error"]["code"], -32601);
}
