//! Instances behind a proxy that are restarted one after the other, as the guide says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use callbox_test_support::http::{Connection, Response};
use callbox_test_support::program::{Program, RunningProgram};
use callbox_test_support::wait::until;
use rustix::process::Signal;

use super::proxy::{ENDPOINT, HOST, Kind, Proxy};

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"say_hello","params":["world"],"id":1}"#;

/// Starts an instance, which leaves an hour after SIGTERM, or at the second one.
fn instance(port: u16) -> RunningProgram {
    let port = port.to_string();
    let args = ["--port", &port, "--allowed-hosts", HOST.1, "--shutdown-delay", "1h"];
    Program::with_role("greeter", &args).start()
}

/// Asks an instance to stop. It is not ready from then on, and works as before.
fn ask_to_stop(instance: &mut RunningProgram) {
    instance.signal(Signal::TERM);
    instance.wait_for_line("about to stop");
}

/// Ends the delay of an instance that was asked to stop. All its calls are answered.
fn end(instance: RunningProgram) {
    instance.signal(Signal::TERM);
    let output = instance.wait();
    assert_eq!(output.status.code(), Some(0), "{}", output.log);
}

/// Clients that call through a proxy until they are stopped.
struct Callers {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Callers {
    /// Starts four clients, each of which keeps its connection or opens one for each call.
    fn start(proxy: SocketAddr, keep: bool) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let one = |_| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            std::thread::spawn(move || {
                let mut connection = None;
                while !stop.load(Ordering::Relaxed) {
                    let mut open = connection.take().unwrap_or_else(|| Connection::open(proxy));
                    assert_answered(&call(&mut open, keep));
                    answered.fetch_add(1, Ordering::Relaxed);
                    connection = keep.then_some(open);
                }
            })
        };
        let threads = (0..4).map(one).collect();
        Self { stop, answered, threads }
    }

    /// Waits for 100 more answers.
    fn go_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        until("calls are answered", || {
            // One that has ended was not answered.
            assert!(self.threads.iter().all(|thread| !thread.is_finished()), "a call has failed");
            self.answered.load(Ordering::Relaxed) >= before + 100
        });
    }

    /// Stops all clients. Each of their calls was answered, or this panics.
    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no call has failed");
        }
    }
}

fn call(connection: &mut Connection, keep: bool) -> Response {
    let connection_header = ("Connection", if keep { "keep-alive" } else { "close" });
    connection.send_request("POST", ENDPOINT, &[HOST, connection_header], HELLO);
    connection.read_response()
}

fn assert_answered(response: &Response) {
    assert!(response.status == 200 && response.body.contains("hello world"), "{response:?}");
}

pub(crate) fn one_is_gone(kind: Kind) {
    let instances = [instance(0), instance(0)];
    let proxy = Proxy::start(kind, [instances[0].address(), instances[1].address()]);
    let mut connection = Connection::open(proxy.address);
    for _ in 0..20 {
        assert_answered(&call(&mut connection, true));
    }
    let [mut first, _second] = instances;
    // At once, and so before any proxy can know.
    ask_to_stop(&mut first);
    end(first);
    let mut connection = Connection::open(proxy.address);
    for _ in 0..200 {
        assert_answered(&call(&mut connection, true));
    }
}

pub(crate) fn rolling_haproxy() {
    let mut instances = vec![instance(0), instance(0)];
    let proxy = Proxy::start(Kind::Haproxy, [instances[0].address(), instances[1].address()]);
    let callers = Callers::start(proxy.address, true);
    for n in [0, 1] {
        callers.go_on();
        ask_to_stop(&mut instances[n]);
        until("HAProxy finds that it is not ready", || !proxy.is_up(n));
        callers.go_on();
        restart(&mut instances, n);
        until("HAProxy finds that it is ready", || proxy.is_up(n));
    }
    callers.go_on();
    callers.stop();
}

pub(crate) fn rolling_nginx() {
    let mut instances = vec![instance(0), instance(0)];
    let proxy = Proxy::start(Kind::Nginx, [instances[0].address(), instances[1].address()]);
    // A reload closes connections of clients that are idle, so each call has its own.
    let callers = Callers::start(proxy.address, false);
    for n in [0, 1] {
        callers.go_on();
        proxy.reload(n, true);
        callers.go_on();
        ask_to_stop(&mut instances[n]);
        restart(&mut instances, n);
        proxy.reload(n, false);
    }
    callers.go_on();
    callers.stop();
}

/// Ends an instance that was asked to stop, and starts another one in its place.
fn restart(instances: &mut Vec<RunningProgram>, n: usize) {
    let old = instances.remove(n);
    let port = old.address().port();
    end(old);
    instances.insert(n, instance(port));
}
