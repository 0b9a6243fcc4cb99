//! Where the settings of a server come from, and what it shows of them.

use std::fs;
use std::time::{Duration, Instant};

use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::{Program, ProgramOutput};
use rustix::process::Signal;

use crate::HELLO;

pub(crate) fn shown() {
    for (args, parts) in [
        (["--help"].as_slice(), ["test.greeter", "--port", "CALLBOX_PORT", "--show-settings"]),
        (&["--show-settings", "--port", "80", "--host", "192.0.2.1"], ["port", "80", "flag --port", "default"]),
        (&["--version"], ["callbox", env!("CARGO_PKG_VERSION"), "(", ")"]),
    ] {
        let ProgramOutput { status, out, log } = Program::with_role("greeter", args).run();
        assert_eq!((status.code(), log.as_str()), (Some(0), ""), "{args:?}");
        for part in parts {
            assert!(out.contains(part), "{args:?} does not show {part:?}: {out}");
        }
    }
}

pub(crate) fn port_0() {
    let (one, other) = (
        Program::with_role("greeter", &["--port", "0"]).start(),
        Program::with_role("greeter", &["--port", "0"]).start(),
    );
    assert_ne!(one.address(), other.address());
    for program in [&one, &other] {
        assert_ne!(program.address().port(), 0);
        let answer = request(program.address(), "POST", "/api", &[], HELLO);
        assert_eq!(answer.body, r#"{"jsonrpc":"2.0","result":"hello world","id":1}"#);
    }
}

pub(crate) fn dialect() {
    let program = Program::with_role("greeter", &["--port", "0", "--dialect", "pymicroservice"]).start();
    let answer = request(program.address(), "POST", "/api", &[], HELLO);
    assert_eq!(answer.body, r#"{"error":null,"id":1,"response":"hello world"}"#);
}

/// An idle connection is kept for longer than one whose client stalls in a request.
pub(crate) fn keep_alive() {
    let program = Program::with_role("greeter", &["--port", "0", "--keep-alive", "120s"]).start();
    let [mut idle, mut stalled] = [(); 2].map(|()| Connection::open(program.address()));
    for connection in [&mut idle, &mut stalled] {
        connection.send_request("POST", "/api", &[], HELLO);
        assert_eq!(connection.read_response().status, 200);
    }
    stalled.send("POST /api HT");
    let began = Instant::now();
    stalled.assert_closed();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    std::thread::sleep(Duration::from_millis(500));
    idle.send_request("POST", "/api", &[], HELLO);
    assert_eq!(idle.read_response().status, 200);
}

pub(crate) fn sources() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = "port = 0\nendpoint = \"/file\"\ndialect = \"gemstone\"\nerror_status = \"mapped\"\n";
    fs::write(directory.path().join("callbox.toml"), file).expect("a file");
    let program = || Program::with_role("greeter", &["--endpoint", "/flag"]).in_directory(directory.path());
    let with_env = program().env("CALLBOX_ENDPOINT", "/env").env("CALLBOX_DIALECT", "jsonrpc").start();
    let unknown = r#"{"jsonrpc":"2.0","method":"nobody","id":1}"#;
    let answer = request(with_env.address(), "POST", "/flag", &[], unknown);
    assert_eq!(answer.status, 404, "mapped, as the file says");
    assert!(answer.json().get("result").is_none(), "jsonrpc, as the environment says: {answer:?}");
    let without_env = program().start();
    let answer = request(without_env.address(), "POST", "/flag", &[], HELLO);
    assert_eq!(
        answer.body, r#"{"jsonrpc":"2.0","result":"hello world","error":null,"id":1}"#,
        "gemstone, as the file says"
    );
}

/// The settings of the program itself: read by `main`, and read by the server at its start.
pub(crate) fn own() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("callbox.toml"), "port = 0\n[app]\ngreeting = \"dear\"\ntimse = 3")
        .expect("a file");
    let program = |role: &str, args: &[&str]| Program::with_role(role, args).in_directory(directory.path());

    let running = program("polite", &[]).env("APP_TIMES", "2").env("APP_ELSE", "1").start();
    let answer = request(running.address(), "POST", "/api", &[], HELLO);
    assert_eq!(answer.body, r#"{"jsonrpc":"2.0","result":"dear dear world","id":1}"#);
    running.signal(Signal::TERM);
    let ProgramOutput { log, .. } = running.wait();
    for warning in [
        "callbox.toml:4: app.timse is not a setting of this program: did you mean \"times\"?",
        "APP_ELSE is not a setting of this program: it is ignored",
    ] {
        assert_eq!(log.matches(warning).count(), 1, "{log}");
    }

    for role in ["polite", "polite later"] {
        let ProgramOutput { status, out, log } = program(role, &["--show-settings", "--app", "times=5"]).run();
        assert_eq!((status.code(), log.as_str()), (Some(0), ""), "{role}");
        let rows: Vec<_> = out.lines().filter(|line| line.starts_with("app.")).collect();
        let rows = rows.iter().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
        assert_eq!(
            rows,
            ["app.greeting dear callbox.toml:3", "app.times 5 flag --app times", "app.timse 3 callbox.toml:4"],
            "{role}: {out}"
        );

        let ProgramOutput { status, out, .. } = program(role, &["--help"]).run();
        assert!(status.success() && out.contains("--app") && out.contains("APP_"), "{role}: {out}");

        let missing = Program::with_role(role, &["--port", "0"]).run();
        let line = "Error: the setting app.greeting is missing: set greeting in the section [app] of callbox.toml, or APP_GREETING\n";
        assert_eq!((missing.status.code(), missing.log.as_str()), (Some(1), line), "{role}");
    }
    let ProgramOutput { log, .. } = program("greeter", &[]).run();
    assert!(log.contains("callbox.toml:2: the section [app]: this program has no settings of its own"), "{log}");
}

/// The log suggests a call that can be made up, on an address that can be called, and it works.
pub(crate) fn try_it() {
    let mut program = Program::with_role("picky", &["--host", "0.0.0.0", "--port", "0"]).spawn();
    let line = program.wait_for_line("try it: ");
    let (url, body) = (line.split("curl -s ").nth(1), line.split("-d '").nth(1));
    let address = url.and_then(|url| url.strip_prefix("http://")?.split('/').next()?.parse().ok());
    let address: std::net::SocketAddr = address.unwrap_or_else(|| panic!("no address: {line}"));
    assert!(address.ip().is_loopback(), "{line}");
    let answer = request(address, "POST", "/api", &[], body.expect("a body").trim_end_matches('\''));
    assert_eq!(answer.body, r#"{"jsonrpc":"2.0","result":"1 of world","id":1}"#, "{line}");
    let specs = r#"{"jsonrpc":"2.0","method":"get_service_specs","id":1}"#;
    let specs = request(address, "POST", "/api", &[], specs).json();
    let accessible_at = specs["result"]["accessible_at"].as_str().expect("an address").to_owned();
    assert!(
        accessible_at.ends_with(&format!(":{}/api", address.port())) && !accessible_at.contains("0.0.0.0"),
        "{specs}"
    );
}

pub(crate) fn public_address() {
    let args = ["--host", "127.0.0.1", "--port", "0", "--public-url", "https://example.org/shop"];
    let mut program = Program::with_role("greeter", &args).spawn();
    program.wait_for_line("listening url=\"http://127.0.0.1:");
    program.wait_for_line("public address url=\"https://example.org/shop/api\"");
    program.wait_for_line("try it: curl -s https://example.org/shop/api -H ");
    program.wait_for_line("console: https://example.org/shop/console");
}

pub(crate) fn beside_a_service_of_our_name() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("callbox.toml"), "port = 0").expect("a file");
    let program = Program::with_role("greeter", &[]).env("CALLBOX_PORT", "tcp://10.0.0.1:5000");
    let program = program.in_directory(directory.path()).start();
    assert_eq!(request(program.address(), "POST", "/api", &[], HELLO).status, 200);
    program.signal(Signal::TERM);
    let ProgramOutput { log, .. } = program.wait();
    assert!(log.contains("CALLBOX_PORT is \"tcp://10.0.0.1:5000\", which Kubernetes sets"), "{log}");
}
