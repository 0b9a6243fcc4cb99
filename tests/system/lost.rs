//! What a service must not lose, nor keep: tasks after a lost thread, a stop during a restart, and
//! memory after the end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbox::{CallContext, Message, Server, ServiceContext, service, testing};
use callbox_test_support::wait::until;
use serde_json::json;

/// A service with a task, on a thread that it can end.
struct Worker {
    context: ServiceContext,
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a task was cancelled");
    }
}

#[service(name = "worker")]
impl Worker {
    #[public_method]
    fn ping(&self) {}

    #[public_method]
    fn lose_thread(&self) {
        actix::Arbiter::current().stop();
    }

    #[public_method]
    fn start_bomb(&self) {
        let bomb = Bomb;
        self.context.spawn(async move {
            let _bomb = bomb;
            std::future::pending::<()>().await;
        });
    }

    #[public_method]
    fn crash(&mut self) {
        panic!("it crashes");
    }
}

#[test]
fn a_state_whose_tasks_are_lost_with_their_thread_is_made_again() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let server = testing::start(Server::new(move |context: ServiceContext| {
        count.fetch_add(1, Ordering::SeqCst);
        context.spawn(std::future::pending());
        Worker { context }
    }));
    // The thread may end before the reply is sent.
    let _ = server.call(Worker_LoseThread {});
    until("a new state has its task", || made.load(Ordering::SeqCst) == 2 && server.stats()[0].tasks == 1);
    until("it answers", || server.call(Worker_Ping {}).is_ok());
}

#[test]
fn a_state_without_tasks_survives_its_thread_and_starts_tasks_on_the_new_one() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let server = testing::start(Server::new(move |context: ServiceContext| {
        count.fetch_add(1, Ordering::SeqCst);
        Worker { context }
    }));
    let _ = server.call(Worker_LoseThread {});
    until("it is up again", || server.stats()[0].restarts == 1 && server.call(Worker_Ping {}).is_ok());
    server.call(Worker_StartBomb {}).unwrap();
    until("the task runs", || server.stats()[0].tasks == 1);
    assert_eq!(made.load(Ordering::SeqCst), 1);
    server.call(Worker_Crash {}).unwrap_err();
    until("the panic of a cancelled task is counted", || {
        let stats = server.stats().remove(0);
        (stats.tasks, stats.task_panics) == (0, 1)
    });
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
    async fn lose_thread(&mut self) {
        actix::Arbiter::current().stop();
        std::future::pending::<()>().await;
    }
}

#[test]
fn a_stop_does_not_wait_for_a_state_that_nobody_needs() {
    stop_while_a_state_is_made(Fragile_Crash {});
}

#[test]
fn nor_for_one_that_takes_the_place_of_a_state_that_was_lost_with_its_thread() {
    stop_while_a_state_is_made(Fragile_LoseThread {});
}

#[test]
fn a_service_whose_thread_is_stopped_while_it_starts_does_not_start() {
    let factory = || async {
        actix::Arbiter::current().stop();
        std::future::pending::<Fragile>().await
    };
    let error = actix::System::new().block_on(Server::new(factory).launch()).unwrap_err().to_string();
    assert!(error.contains("its thread was stopped while it started"), "{error}");
}

/// Stops a service that needs a new state after this call, and does not get one.
fn stop_while_a_state_is_made(loses_the_state: impl Message<Output = ()>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let factory = move || {
        let again = count.fetch_add(1, Ordering::SeqCst) > 0;
        async move {
            if again {
                std::future::pending::<()>().await;
            }
            Ok::<_, io::Error>(Fragile)
        }
    };
    let server = testing::start(Server::new(factory).shutdown_timeout(Duration::from_secs(3600)));
    assert!(server.call(loses_the_state).is_err());
    until("it is asked for a new state", || asked.load(Ordering::SeqCst) == 2);
    drop(server);
}

/// Holds clients of another service and of itself.
struct Holder {
    _context: ServiceContext,
    me: HolderClient,
    other: OtherClient,
}

#[service(name = "holder", namespace = "holder")]
impl Holder {
    #[public_method]
    async fn id_over_there(&self) -> Result<String, callbox::InternalError> {
        Ok(self.other.id().await?)
    }

    #[public_method]
    fn ping(&self) {}

    #[public_method]
    async fn ping_me(&self) {
        let _ = self.me.notify(self.me.ping()).await;
    }
}

#[derive(Default)]
struct Other;

#[service(name = "other", namespace = "other")]
impl Other {
    #[public_method]
    fn id(&self, call: &CallContext) -> String {
        call.request_id().to_owned()
    }
}

/// A service that stands in for itself in the directory of its server.
#[derive(Default)]
struct Stand;

#[service(name = "stand")]
impl Stand {
    #[public_method]
    fn ping(&self) {}
}

fn holder() -> Server {
    let factory = |context: ServiceContext| Holder {
        me: HolderClient::from(context.me()),
        other: context.client(),
        _context: context,
    };
    Server::new(factory).service(Other::default)
}

#[test]
fn a_server_that_has_ended_is_freed_though_its_services_hold_clients_of_each_other() {
    let token = Arc::new(());
    let held = Arc::clone(&token);
    let stand = testing::fake::<StandClient>(|fake| {
        fake.on(move |_: Stand_Ping| {
            let _ = &held;
            Ok::<_, callbox::RpcError>(())
        });
    });
    let server = testing::start(holder().with_client(stand));
    server.call(Holder_PingMe {}).unwrap();
    drop(server);
    until("the directory of the services is freed", || Arc::strong_count(&token) == 1);
}

#[test]
fn the_request_id_travels_with_the_calls_of_a_client_that_the_state_holds() {
    let server = testing::start(holder());
    let call = json!({ "jsonrpc": "2.0", "method": "holder.id_over_there", "id": 1 });
    let answer = server.with_header("X-Request-Id", "7f3a").rpc(&call);
    assert_eq!(answer["result"], "7f3a");
}

/// Asks another service while it starts, which asks this one.
struct Early;

#[service(name = "early", namespace = "early")]
impl Early {
    async fn open(context: ServiceContext) -> Self {
        // Though it does not look at the error.
        let _ = context.client::<LateClient>().ask().await;
        Self
    }

    #[public_method]
    fn ping(&self) {}
}

#[derive(Default)]
struct Late;

#[service(name = "late", namespace = "late")]
impl Late {
    #[public_method]
    fn idle(&self) {}

    #[public_method]
    async fn ask(&self, early: &EarlyClient) -> Result<(), callbox::InternalError> {
        Ok(early.ping().await?)
    }
}

#[test]
fn a_start_that_waits_for_a_service_that_calls_it_is_an_error_with_the_circle() {
    for is_up_before in [false, true] {
        let factory = move |context: ServiceContext| async move {
            if is_up_before {
                context.client::<LateClient>().idle().await.expect("it does not ask back");
            }
            Early::open(context).await
        };
        let server = Server::new(factory).service(Late::default);
        let error = actix::System::new().block_on(server.launch()).unwrap_err().to_string();
        assert!(error.starts_with("the service early could not start: its start waits for a service"), "{error}");
        assert!(error.contains("late → early"), "{error}");
    }
}
