//! Clients and services of others: `nats-py`, and the packages `@nats-io/transport-node` and
//! `@nats-io/services` of Node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use callbox::client::{Client, ClientError, Nats};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::program::{Program, RunningProgram};

use super::{market, run};

/// What to do if a peer is missing.
const ADVICE: &str = "`bash tests/foreign` installs all programs of these tests";

/// Returns the directory that this test was built into.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp")
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns a script of `nats-py`.
///
/// # Panics
/// If the virtual environment is not there.
fn python(nats: &NatsServer, arguments: &[&str]) -> Program {
    let python = target().join("python/bin/python");
    assert!(python.exists(), "{} is missing: {ADVICE}", python.display());
    let script = source("python/nats_client.py");
    let arguments = [&[script.to_str().unwrap()], arguments].concat();
    let program = Program::at(&python, &arguments).env("CALLBOX_NATS_URL", &nats.url());
    program.env("PYTHONDONTWRITEBYTECODE", "1")
}

/// Returns a script of Node.
///
/// # Panics
/// If Node or its packages are not there.
fn node(script: &str, nats: &NatsServer) -> Program {
    let modules = target().join("node");
    let package = modules.join("node_modules/@nats-io/services");
    assert!(package.is_dir(), "{} is missing: {ADVICE}", package.display());
    let found =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|at| at.join("node").exists()));
    assert!(found, "there is no program `node`: {ADVICE}");
    // Node looks for packages beside a script, so it runs a copy that is beside them.
    let path = modules.join(format!("nats-{script}"));
    std::fs::copy(source("node/nats").join(script), &path).unwrap();
    Program::at(Path::new("node"), &[path.to_str().unwrap(), &nats.url()])
}

/// Starts a service of others.
fn service(program: Program) -> RunningProgram {
    let mut program = program.spawn();
    program.wait_for_line("ready");
    program
}

async fn micro_service(nats: &NatsServer, name: &str) -> Client {
    Nats::connect(&nats.url()).await.unwrap().micro_service(name)
}

/// Calls an endpoint that fails, and returns the error of the service itself.
async fn failure(client: &Client, endpoint: &str) -> callbox::RpcError {
    match client.call::<u64>(endpoint, ()).await {
        Err(ClientError::Method(error)) => error,
        other => panic!("{endpoint}: {other:?}"),
    }
}

/// `nats-py` calls by name and by position, with tokens and timeouts.
pub(crate) fn python_client() {
    let nats = NatsServer::start(&[]);
    let _market = market::start(&nats);
    let ended = python(&nats, &[]).run();
    assert!(!ended.log.contains("ModuleNotFoundError"), "{}\n{ADVICE}", ended.log);
    assert!(ended.status.success() && ended.log.trim_end().ends_with("OK"), "{}", ended.log);
}

/// A service of `nats-py` is called by its endpoints.
pub(crate) fn python_service() {
    let nats = NatsServer::start(&[]);
    let sums = service(python(&nats, &["service"]));
    run(async {
        let client = micro_service(&nats, "sums").await;
        assert_eq!(client.call::<u64>("add", [1, 2, 3]).await.unwrap(), 6);
        let error = failure(&client, "fail").await;
        assert_eq!((error.code(), error.message()), (507, "out of numbers"));
        let error = failure(&client, "divide").await;
        assert_eq!((error.code(), error.message()), (422, "not by zero"));
    });
    end(sums);
}

/// The packages for Node find instances, ask how they are, and call them.
pub(crate) fn node_client() {
    let nats = NatsServer::start(&[]);
    let _instances = [market::start(&nats), market::start(&nats)];
    let ended = node("client.mjs", &nats).run();
    assert!(ended.status.success(), "{}", ended.log);
}

/// A service of the packages for Node is called: results, errors, and what never answers.
pub(crate) fn node_service() {
    let nats = NatsServer::start(&[]);
    let math = service(node("service.mjs", &nats));
    run(async {
        let client = micro_service(&nats, "math").await;
        assert_eq!(client.call::<u64>("add", [1, 2, 3]).await.unwrap(), 6);
        let error = failure(&client, "fail").await;
        assert_eq!((error.code(), error.message()), (507, "out of numbers"));
        assert!(format!("{error:?}").contains("left"), "its body is the data: {error:?}");
        let error = client.call::<u64>("text", ()).await.unwrap_err();
        assert!(matches!(error, ClientError::BadResponse(_)), "{error:?}");
        let brief = client.with_deadline(Duration::from_millis(300));
        let error = brief.call::<u64>("think", ()).await.unwrap_err();
        assert!(matches!(error, ClientError::Deadline(_)), "{error:?}");
        let seconds = brief.call::<f64>("timeout", ()).await.unwrap();
        assert!(seconds > 0.0 && seconds <= 0.3, "{seconds}");
        let error = client.call::<u64>("none", ()).await.unwrap_err();
        assert!(matches!(&error, ClientError::Server(error) if error.code() == -32601), "{error:?}");
    });
    end(math);
}

fn end(mut service: RunningProgram) {
    service.close_input();
    let ended = service.wait();
    assert!(ended.status.success(), "{}", ended.log);
}
