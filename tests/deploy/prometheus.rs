//! Prometheus and its checker, with the metrics of a server, the alert rules, and the queries of
//! the dashboard.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use callbox::testing::{self, TestServer};
use callbox_test_support::examples::example;
use callbox_test_support::free_port::free_address;
use callbox_test_support::http::{Connection, request};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::quotes;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{file, run, text_of};

/// A server whose methods have been called.
fn server() -> TestServer {
    let server = testing::start(quotes::server());
    publish(server.address());
    server
}

fn publish(address: SocketAddr) {
    let mut client = WebSocket::open(address);
    let prices = client.subscribe("prices", json!([]));
    client.result("publish", json!([1.5]));
    assert_eq!(client.item_of(&prices), json!(1.5));
}

pub(crate) fn formats() {
    let server = server();
    let scrape = |accept: &str| {
        let response = request(server.address(), "GET", "/metrics", &[("Accept", accept)], "");
        (response.header("content-type").unwrap_or_default().to_owned(), response.body)
    };
    let (kind, text) = scrape("text/plain;version=0.0.4");
    assert!(kind.starts_with("text/plain"), "{kind}");
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}: `bash tests/foreign` installs it"));
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);

    // Of OpenMetrics promtool reads files of samples with times.
    let (kind, text) = scrape("application/openmetrics-text;version=1.0.0");
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let line = |line: &str| if line.starts_with('#') { format!("{line}\n") } else { format!("{line} 1700000000\n") };
    let text: String = text.lines().map(line).collect();
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        let path = folder.path().join("scrape.txt");
        std::fs::write(&path, text).unwrap();
        let mut command = Command::new("promtool");
        command.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&path).arg(folder.path().join("blocks"));
        command
    };
    run(&mut read(&text));
    // It does notice a scrape without an end.
    let cut = text.strip_suffix("# EOF\n").expect("OpenMetrics has an end");
    assert!(!read(cut).output().unwrap().status.success());
}

pub(crate) fn rules() {
    let said = run(Command::new("promtool").args(["check", "rules", "--lint-fatal"]).arg(file("alerts.yaml")));
    assert!(said.contains("5 rules found"), "{said}");
    run(Command::new("promtool").args(["test", "rules"]).arg(file("alerts.test.yaml")));
}

/// Prometheus itself, until it is dropped.
pub(crate) struct Prometheus {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that scrapes a server each second, and knows the alert rules.
    pub(crate) fn start(target: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let config = folder.path().join("prometheus.yaml");
        let text = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n\
             rule_files: [{:?}]\n\
             scrape_configs: [{{ job_name: callbox, static_configs: [{{ targets: [{:?}] }}] }}]\n",
            file("alerts.yaml").canonicalize().unwrap().display().to_string(),
            target.to_string(),
        );
        std::fs::write(&config, text).unwrap();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("prometheus: {error}: `bash tests/foreign` installs it"));
        let prometheus = Self { process, address, _folder: folder };
        until("Prometheus listens", || std::net::TcpStream::connect(address).is_ok());
        until("it is ready", || request(address, "GET", "/-/ready", &[], "").status == 200);
        prometheus
    }

    /// Returns what its HTTP API has at a path. By HTTP/1.0, in which nothing is chunked.
    fn get(&self, path: &str) -> Value {
        let mut connection = Connection::open(self.address);
        connection.send(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"));
        let mut response = String::new();
        connection.0.read_to_string(&mut response).expect("a response");
        let body = response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{response}")).1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("no JSON ({error}): {response}"))
    }

    /// Returns the samples of an expression now.
    pub(crate) fn query(&self, expression: &str) -> Vec<Value> {
        let query = utf8_percent_encode(expression, NON_ALPHANUMERIC);
        let mut answer = self.get(&format!("/api/v1/query?query={query}"));
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        match answer["data"]["result"].take() {
            Value::Array(samples) => samples,
            other => panic!("{expression}: {other}"),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a query of the dashboard with values for its variables.
pub(crate) fn fill(query: &str, service: &str) -> String {
    let filled = query
        // A rate is that of the whole time, also of the part before the first scrape.
        .replace("$__rate_interval", "10s")
        .replace("$job", "callbox")
        .replace("$instance", ".*")
        .replace("$service", service);
    assert!(!filled.contains('$'), "{filled}");
    filled
}

pub(crate) fn scrapes() {
    let nats = NatsServer::start(&[]);
    // Every call waits for its turn there. Where it arrives, it may run at once, and then the times
    // that calls wait have no rate.
    let placement = ["--placement", "actor"];
    let server = example("prices", &[&["--port", "0", "--nats", &nats.url()], &placement[..]].concat()).start();
    let mut client = WebSocket::open(server.address());
    let prices = client.subscribe("prices", json!(["PEAR"]));
    let mut set = || {
        client.result("set", json!(["PEAR", 2.75]));
        client.item_of(&prices);
    };
    // A method that was never called has no histogram.
    set();
    let prometheus = Prometheus::start(server.address());
    until("the server is scraped", || prometheus.query(r#"up{job="callbox"} == 1"#).len() == 1);
    // A rate needs two scrapes, between which calls are made.
    let moves = r#"rate(callbox_calls_total{method="set",outcome="ok"}[1m]) > 0"#;
    until("calls are counted", || {
        set();
        !prometheus.query(moves).is_empty()
    });

    let dashboard: Value = serde_json::from_str(&text_of("grafana-dashboard.json")).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().filter_map(|panel| panel["targets"].as_array());
    let (mut with_data, mut without) = (0, Vec::new());
    for target in targets.flatten() {
        let expression = target["expr"].as_str().unwrap();
        let samples = prometheus.query(&fill(expression, "example[.]market"));
        // What cannot be computed is `NaN`, of which a panel shows nothing.
        if samples.iter().all(|sample| sample["value"][1] == "NaN") {
            without.push(expression);
        } else {
            with_data += 1;
        }
    }
    // Those that show only what is above zero, since nothing has failed here, and targets that are
    // down.
    let may_be_empty = |expression: &str| expression.ends_with("> 0");
    without.retain(|expression| !may_be_empty(expression));
    assert_eq!(without, [""; 0]);
    assert!(with_data > 25, "{with_data}");

    let rules = prometheus.get("/api/v1/rules");
    let rules = rules["data"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert_eq!(rules.len(), 5);
    for rule in rules {
        assert_ne!(rule["health"], "err", "{rule}");
        assert_eq!(rule["state"], "inactive", "{rule}");
    }
}
