//! A running service with two ways to call it. Each scenario runs once per way and expects the
//! same.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox::stats::MethodStats;
use callbox::testing::{self, TestServer};
use callbox::{Handles, Message, RpcError, Server, Service, ServiceRef};
use callbox_test_support::http::{Connection, request};
use callbox_test_support::wait::until;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::probe::Probe;

/// How calls come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Typed messages through a `ServiceRef`.
    InProcess,
    /// JSON over a socket, a connection for each call.
    Http,
}

/// Makes each scenario a test twice, once for each way in.
macro_rules! both_ways {
    ($($scenario:ident),+ $(,)?) => {
        mod in_process {
            $(
                #[test]
                fn $scenario() {
                    super::$scenario(crate::harness::Way::InProcess);
                }
            )+
        }

        mod over_http {
            $(
                #[test]
                fn $scenario() {
                    super::$scenario(crate::harness::Way::Http);
                }
            )+
        }
    };
}
pub(crate) use both_ways;

/// Nothing that a test waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running service. Its drop lets go whatever the probe holds, so that a test that fails ends.
pub(crate) struct Site<S: Service> {
    pub(crate) probe: Arc<Probe>,
    way: Way,
    service: ServiceRef<S>,
    address: SocketAddr,
    server: Mutex<Option<TestServer>>,
    callers: Runtime,
}

/// A call on its way.
pub(crate) enum Asked<'a> {
    InProcess(JoinHandle<Answer>, &'a Runtime),
    Http(Connection),
}

/// What a call was answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// 0 for a result.
    pub(crate) code: i32,
    pub(crate) value: Json,
    pub(crate) data: Json,
}

/// How the calls of one method have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) panicked: u64,
    pub(crate) full: u64,
    pub(crate) hopeless: u64,
    pub(crate) overdue: u64,
    pub(crate) unavailable: u64,
    pub(crate) expired: u64,
    pub(crate) abandoned: u64,
}

impl<S: Service> Site<S> {
    pub(crate) fn start(way: Way, server: Server, probe: &Arc<Probe>) -> Self {
        let server = testing::start(server);
        let callers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
        Self {
            probe: Arc::clone(probe),
            way,
            service: server.service(),
            address: server.address(),
            server: Mutex::new(Some(server)),
            callers: callers.expect("a runtime"),
        }
    }

    /// Calls a method, and goes on.
    pub(crate) fn ask<M: Message>(&self, message: M) -> Asked<'_>
    where
        S: Handles<M>,
    {
        match self.way {
            Way::InProcess => {
                let service = self.service.clone();
                let call = async move { Answer::from_reply(service.call(message).await) };
                Asked::InProcess(self.callers.spawn(call), &self.callers)
            }
            Way::Http => {
                let mut connection = Connection::open(self.address);
                connection.send_request("POST", "/api", &[], request_of::<S, _>(&message).to_string());
                Asked::Http(connection)
            }
        }
    }

    /// Calls a method and waits for its answer.
    #[track_caller]
    pub(crate) fn call<M: Message>(&self, message: M) -> Answer
    where
        S: Handles<M>,
    {
        self.ask(message).answer()
    }

    /// Sends a notification, of which nothing is heard.
    #[track_caller]
    pub(crate) fn notify<M: Message>(&self, message: M)
    where
        S: Handles<M>,
    {
        let mut message = Some(message);
        self.notify_times(1, || message.take().expect("it is asked for once"));
    }

    /// The same so many times.
    #[track_caller]
    pub(crate) fn notify_times<M: Message>(&self, times: usize, mut message: impl FnMut() -> M)
    where
        S: Handles<M>,
    {
        if self.way == Way::InProcess {
            // The result is not that of the method: it only says whether the call was admitted.
            return (0..times).for_each(|_| drop(self.service.notify(message())));
        }
        for most in (0..times).step_by(100).map(|sent| (times - sent).min(100)) {
            let mut requests: Vec<_> = (0..most).map(|_| request_of::<S, _>(&message())).collect();
            requests.iter_mut().for_each(|request| drop(request.as_object_mut().expect("an object").remove("id")));
            let body = if most == 1 { requests[0].to_string() } else { Json::from(requests).to_string() };
            let answer = request(self.address, "POST", "/api", &[], body);
            assert_eq!((answer.status, answer.body.as_str()), (204, ""), "a notification is never answered");
        }
    }

    /// The service itself, whatever the way in.
    pub(crate) fn service(&self) -> &ServiceRef<S> {
        &self.service
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Another service of the same server.
    pub(crate) fn other<T: Service>(&self) -> ServiceRef<T> {
        self.server.lock().unwrap().as_ref().expect("it runs").service()
    }

    /// Number of times that its state was replaced.
    pub(crate) fn restarts(&self) -> u64 {
        let server = self.server.lock().unwrap();
        server.as_ref().expect("it has not been stopped").stats()[0].restarts
    }

    pub(crate) fn is_up(&self) -> bool {
        self.service.is_up()
    }

    pub(crate) fn stats(&self, method: &str) -> MethodStats {
        stats(&self.service, method)
    }

    /// Waits until so many calls of the method wait in its mailbox.
    #[track_caller]
    pub(crate) fn until_waiting(&self, method: &str, calls: usize) {
        until(&format!("{calls} calls of {method} wait"), || self.stats(method).depth == calls);
    }

    /// Waits until the calls of the method have ended like this, and no other way.
    #[track_caller]
    pub(crate) fn assert_ends(&self, method: &str, ends: Ends) {
        assert_ends(&self.service, method, ends);
    }

    /// Waits until no call waits or runs.
    pub(crate) fn wait_idle(&self) {
        self.callers
            .block_on(async { tokio::time::timeout(PATIENCE, self.service.wait_idle()).await })
            .expect("in time");
    }

    /// Starts to stop the server, and returns once it has stopped. Does nothing the second time.
    pub(crate) fn stop(&self) -> std::thread::JoinHandle<()> {
        let server = self.server.lock().unwrap().take();
        std::thread::spawn(move || drop(server))
    }
}

impl<S: Service> Drop for Site<S> {
    fn drop(&mut self) {
        self.probe.let_all_go();
    }
}

pub(crate) fn stats<S: Service>(service: &ServiceRef<S>, method: &str) -> MethodStats {
    service.stats().into_iter().find(|stats| stats.method == method).expect("there is such a method")
}

#[track_caller]
pub(crate) fn assert_ends<S: Service>(service: &ServiceRef<S>, method: &str, ends: Ends) {
    let now = || Ends::of(&stats(service, method));
    let start = std::time::Instant::now();
    while now() != ends && start.elapsed() < Duration::from_secs(10) {
        // Over HTTP it takes a moment until a client is known to have left.
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(now(), ends, "{method}");
}

fn request_of<S: Service, M: Message>(message: &M) -> Json {
    let method = S::NAMESPACE.map_or(M::NAME.to_owned(), |namespace| format!("{namespace}.{}", M::NAME));
    json!({ "jsonrpc": "2.0", "method": method, "params": message, "id": 1 })
}

impl Asked<'_> {
    /// Waits for the answer.
    #[track_caller]
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::InProcess(task, callers) => {
                let answer = callers.block_on(async { tokio::time::timeout(PATIENCE, task).await });
                answer.expect("an answer in time").expect("the caller does not panic")
            }
            Self::Http(mut connection) => {
                let answer = connection.read_response();
                assert_eq!(answer.status, 200, "{answer:?}");
                Answer::from_json(&answer.json())
            }
        }
    }

    /// Leaves before the answer.
    pub(crate) fn leave(self) {
        match self {
            Self::InProcess(task, _) => task.abort(),
            Self::Http(connection) => drop(connection),
        }
    }
}

impl Answer {
    pub(crate) fn from_reply<T: serde::Serialize>(reply: Result<T, RpcError>) -> Self {
        let json = |data: &serde_json::value::RawValue| serde_json::from_str(data.get()).expect("JSON");
        match reply {
            Ok(output) => Self::result(serde_json::to_value(output).expect("JSON")),
            Err(error) => Self { code: error.code(), value: Json::Null, data: error.data().map_or(Json::Null, json) },
        }
    }

    fn from_json(answer: &Json) -> Self {
        assert_eq!(answer["id"], 1, "{answer}");
        let error = &answer["error"];
        match error["code"].as_i64() {
            None => Self::result(answer["result"].clone()),
            Some(code) => Self { code: code as i32, value: Json::Null, data: error["data"].clone() },
        }
    }

    pub(crate) fn result(value: impl Into<Json>) -> Self {
        Self { code: 0, value: value.into(), data: Json::Null }
    }

    /// -32603 with an id to find the cause by, and nothing of the cause.
    #[track_caller]
    pub(crate) fn assert_internal(&self) {
        assert_eq!(self.code, -32603, "{self:?}");
        let data = self.data.as_object().expect("data");
        assert!(data.len() == 1 && data["correlation_id"].is_string(), "{self:?}");
    }
}

impl Ends {
    fn of(stats: &MethodStats) -> Self {
        assert_eq!(stats.refused_for.params, 0, "{stats:?}");
        Self {
            answered: stats.answered,
            failed: stats.failed,
            panicked: stats.panicked,
            full: stats.refused_for.full,
            hopeless: stats.refused_for.hopeless,
            overdue: stats.refused_for.overdue,
            unavailable: stats.refused_for.unavailable,
            expired: stats.expired,
            abandoned: stats.abandoned,
        }
    }
}
