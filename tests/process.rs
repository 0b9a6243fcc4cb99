//! A server as a process: signals, settings, and what it says when it cannot start.

#[path = "support/program.rs"]
mod program;
#[path = "support/roles.rs"]
mod roles;
mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use callbox::TokenFile;
use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::Signal;

use program::{Ended, Program, RunningProgram};
use roles::GOOD_TOKEN;
use support::http::{Answer, Connection, ask};
use support::wait::until;

fn main() -> ExitCode {
    if let Some(end) = roles::run() {
        return end;
    }
    let tests: &[(&str, fn())] = &[
        ("a_method_that_does_not_return_holds_one_thread_and_the_next_call_of_it_none", naps),
        ("a_method_that_may_not_run_inline_holds_no_thread_of_http", naps_at_home),
        ("a_compute_method_may_hold_its_thread_without_a_warning", naps_on_the_pool),
        ("a_stop_ends_in_time_although_a_method_does_not_and_the_exit_code_says_so", left_running),
        ("the_first_call_after_the_port_opens_is_answered_however_long_the_start_takes", starts),
        ("calls_that_wait_for_a_service_that_cannot_start_are_told_so", waits_in_vain),
        ("a_stop_before_the_services_are_up_answers_the_calls_that_wait_for_them", stopped_early),
        ("sigterm_sigint_and_sighup_answer_all_calls_and_refuse_new_connections", drains),
        ("a_second_signal_ends_the_program_at_once", second_signal),
        ("a_second_sighup_changes_nothing", second_hangup),
        ("a_server_that_was_started_to_ignore_sighup_does_so", ignored_hangup),
        ("after_a_pause_of_the_process_no_call_is_answered_with_a_result_beyond_its_deadline", pause),
        ("a_server_that_is_about_to_stop_is_not_ready_and_answers_as_before", leaves),
        ("ctrl_c_skips_the_delay_of_a_stop_and_a_second_sigterm_cuts_it_short", delay_cut_short),
        ("what_keeps_a_server_from_starting_is_told_in_one_line", one_line),
        ("help_and_settings_are_shown_without_starting_anything", shown),
        ("port_0_picks_a_free_port_and_the_log_tells_it", port_0),
        ("a_flag_makes_the_answers_those_of_pymicroservice", dialect),
        ("flags_go_before_the_environment_and_that_before_the_file", sources),
        ("the_log_suggests_a_call_that_works", try_it),
        ("what_kubernetes_sets_beside_a_service_of_our_name_is_taken_as_unset", beside_a_service_of_our_name),
        ("a_running_server_follows_the_file_in_which_tokens_are_made_and_revoked", tokens),
        ("a_file_of_tokens_counts_if_it_is_named_or_if_nobody_else_checks_tokens", token_file),
    ];
    let tests = tests.iter().map(|(name, test)| {
        Trial::test(*name, || -> Result<(), Failed> {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit_code()
}

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":1}"#;

/// A server with 100 calls that have been let in and do not end before its input is closed.
fn with_100_calls() -> (RunningProgram, Vec<Connection>) {
    with_100_calls_of("hold", &[])
}

/// The same, of this method and with these headers.
fn with_100_calls_of(method: &str, headers: &[(&str, &str)]) -> (RunningProgram, Vec<Connection>) {
    let program = Program::new("holder", &["--port", "0"]).start();
    let mut connections: Vec<_> = (0..100).map(|_| Connection::open(program.address())).collect();
    for (n, connection) in connections.iter_mut().enumerate() {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":[{n}],"id":{n}}}"#);
        connection.ask("POST", "/api", headers, body);
    }
    until("all calls are let in", || ask(program.address(), "GET", "/calls", &[], "").body == "100 let in, 0 waiting");
    (program, connections)
}

/// A port that is free, as far as one can know.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port().to_string()
}

/// The answer to a call that comes as soon as anybody listens.
fn call_at_once(port: &str) -> Answer {
    let address = format!("127.0.0.1:{port}").parse().expect("an address");
    until("it listens", || TcpStream::connect(address).is_ok());
    ask(address, "POST", "/api", &[], HELLO)
}

fn starts() {
    for (role, times) in [("greeter", 150), ("slow start", 50)] {
        for time in 0..times {
            let port = free_port();
            let program = Program::new(role, &["--port", &port]).spawn();
            let answer = call_at_once(&port);
            let result = r#"{"jsonrpc":"2.0","result":"hello world","id":1}"#;
            assert_eq!(answer.body, result, "{role}, start {time}");
            drop(program);
        }
    }
}

fn waits_in_vain() {
    let port = free_port();
    let program = Program::new("slow no start", &["--port", &port]).spawn();
    let answer = call_at_once(&port);
    assert_eq!(answer.json()["error"]["code"], -32003, "{answer:?}");
    let Ended { status, log, .. } = program.ended();
    assert!(status.code() == Some(1) && log.contains("on_start failed: not today"), "{log}");
}

fn stopped_early() {
    let port = free_port();
    let program = Program::new("long start", &["--port", &port]).spawn();
    let address = format!("127.0.0.1:{port}").parse().expect("an address");
    until("it listens", || TcpStream::connect(address).is_ok());
    let mut connection = Connection::open(address);
    connection.ask("POST", "/api", &[], HELLO);
    until("it is alive", || ask(address, "GET", "/health/live", &[], "").status == 200);
    assert_eq!(ask(address, "GET", "/health/ready", &[], "").status, 503);
    program.signal(Signal::TERM);
    let answer = connection.answer();
    assert_eq!(answer.json()["error"]["code"], -32003, "{answer:?}");
    let Ended { status, log, .. } = program.ended();
    assert!(status.code() == Some(0) && log.contains("before the services are up"), "{log}");
}

fn rpc(program: &RunningProgram, headers: &[(&str, &str)], method: &str, params: &str) -> serde_json::Value {
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#);
    ask(program.address(), "POST", "/api", headers, body).json()
}

const AN_HOUR: &str = "[3600000]";

/// A call that does not come back, of a method that was quick until then.
fn napping(method: &str) -> (RunningProgram, Connection) {
    let program = Program::new("napping", &["--port", "0"]).start();
    for _ in 0..300 {
        assert_eq!(rpc(&program, &[], method, "[0]")["result"], 0);
    }
    let mut napping = Connection::open(program.address());
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{AN_HOUR},"id":1}}"#);
    napping.ask("POST", "/api", &[], body);
    (program, napping)
}

/// What has to go on beside a call that does not return.
fn assert_all_else_goes_on(program: &RunningProgram, method: &str) {
    for round in 0..20 {
        assert_eq!(ask(program.address(), "GET", "/health/live", &[], "").status, 200, "{round}");
        assert_eq!(rpc(program, &[], "blink", "[]")["result"], 0, "{round}");
    }
    // More of them than there are workers.
    for round in 0..6 {
        let late = rpc(program, &[("Request-Timeout", "0.1")], method, AN_HOUR);
        assert_eq!(late["error"]["code"], -32002, "{round}: {late}");
    }
    assert_eq!(rpc(program, &[], "stare", "[]")["error"]["code"], -32002);
    assert_eq!(ask(program.address(), "GET", "/health/ready", &[], "").status, 200);
}

fn naps() {
    let (mut program, napping) = napping("nap");
    program.line("the method holds its thread and does not end");
    assert_all_else_goes_on(&program, "nap");
    drop(napping);
}

fn naps_at_home() {
    let (program, mut napping) = napping("nap_at_home");
    assert_all_else_goes_on(&program, "nap_at_home");
    // Its own deadline is kept, too.
    let late = rpc(&program, &[("Request-Timeout", "0.1")], "nap_at_home", "[0]");
    assert_eq!(late["error"]["code"], -32002, "{late}");
    program.signal(Signal::TERM);
    assert_eq!(napping.answer().json()["error"]["code"], -32603, "cut off at the limit");
    let Ended { status, log, .. } = program.ended();
    assert!(status.code() == Some(1) && log.contains("left running (nap_at_home)"), "{status:?}\n{log}");
}

fn naps_on_the_pool() {
    let program = Program::new("napping", &["--port", "0"]).start();
    assert_eq!(rpc(&program, &[], "nap_on_the_pool", "[1500]")["result"], 1500);
    program.signal(Signal::TERM);
    let Ended { status, log, .. } = program.ended();
    assert!(status.success() && !log.contains("WARN"), "{status:?}\n{log}");
}

fn left_running() {
    let (mut program, _napping) = napping("nap");
    program.line("the method holds its thread and does not end");
    program.signal(Signal::TERM);
    // Waits for 30 s at most.
    let Ended { status, log, .. } = program.ended();
    assert!(status.code() == Some(1) && log.contains("left running (nap)"), "{status:?}\n{log}");
}

fn leaves() {
    let program = Program::new("greeter", &["--port", "0", "--shutdown-delay", "1h"]).start();
    let ready = || ask(program.address(), "GET", "/health/ready", &[], "").status;
    assert_eq!(ready(), 200);
    program.signal(Signal::TERM);
    until("it is not ready", || ready() == 503);
    assert_eq!(ask(program.address(), "GET", "/health/live", &[], "").status, 200);
    assert!(ask(program.address(), "POST", "/api", &[], HELLO).body.contains("hello world"));
    program.signal(Signal::TERM);
    until_connections_are_refused(&program);
    let Ended { status, log, .. } = program.ended();
    assert!(status.code() == Some(0) && log.contains("about to stop"), "{log}");
}

fn delay_cut_short() {
    for signals in [&[Signal::INT][..], &[Signal::TERM, Signal::TERM], &[Signal::HUP, Signal::INT]] {
        let mut program = Program::new("greeter", &["--port", "0", "--shutdown-delay", "1h"]).start();
        program.signal(signals[0]);
        if let Some(second) = signals.get(1) {
            program.line("about to stop");
            program.signal(*second);
        }
        let Ended { status, log, .. } = program.ended();
        assert_eq!(status.code(), Some(0), "{signals:?}: {log}");
    }
    let program = Program::new("greeter", &["--port", "0", "--shutdown-delay", "200ms"]).start();
    program.signal(Signal::TERM);
    let Ended { status, log, .. } = program.ended();
    assert!(status.code() == Some(0) && log.contains("about to stop") && !log.contains("cut short"), "{log}");
}

fn until_connections_are_refused(program: &RunningProgram) {
    until("new connections are refused", || TcpStream::connect(program.address()).is_err());
}

fn drains() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (mut program, connections) = with_100_calls();
        program.signal(signal);
        until_connections_are_refused(&program);
        program.close_input();
        let answers: Vec<_> = connections.into_iter().map(|mut connection| connection.answer()).collect();
        let Ended { status, out, log } = program.ended();
        for (n, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.status, 200, "{signal:?}: {answer:?}");
            assert_eq!(answer.body, format!(r#"{{"jsonrpc":"2.0","result":{n},"id":{n}}}"#), "{signal:?}:\n{log}");
        }
        assert!(status.code() == Some(0) && out.is_empty(), "{signal:?}: {status:?} {out:?}\n{log}");
        assert!(log.lines().last().is_some_and(|line| line.contains("stopped")), "{log}");
    }
}

fn second_signal() {
    let (program, connections) = with_100_calls();
    program.signal(Signal::TERM);
    until_connections_are_refused(&program);
    program.signal(Signal::INT);
    // Its input is open still, so the calls have not ended.
    let Ended { log, .. } = program.ended();
    assert!(log.contains("stopping at once"), "{log}");
    drop(connections);
}

/// Deadlines and the ends of the calls come at one time: when the process goes on.
fn pause() {
    let (mut program, connections) = with_100_calls_of("hold", &[("Request-Timeout", "2")]);
    program.signal(Signal::STOP);
    program.close_input();
    std::thread::sleep(Duration::from_millis(2500));
    program.signal(Signal::CONT);
    for mut connection in connections {
        let answer = connection.answer();
        assert_eq!(answer.json()["error"]["code"], -32002, "{answer:?}");
    }
}

fn second_hangup() {
    let (mut program, connections) = with_100_calls();
    program.signal(Signal::HUP);
    until_connections_are_refused(&program);
    // Shell and system both send it when a terminal is closed.
    program.signal(Signal::HUP);
    program.close_input();
    for mut connection in connections {
        assert_eq!(connection.answer().status, 200);
    }
    let Ended { status, log, .. } = program.ended();
    assert_eq!(status.code(), Some(0), "{log}");
}

fn ignored_hangup() {
    let program = Program::new("greeter", &["--port", "0"]).after("trap '' HUP").start();
    program.signal(Signal::HUP);
    assert_eq!(ask(program.address(), "POST", "/api", &[], HELLO).status, 200);
    program.signal(Signal::TERM);
    let Ended { status, log, .. } = program.ended();
    assert!(status.code() == Some(0) && log.contains("signal=\"SIGTERM\""), "{log}");
}

/// The log suggests a call that can be made up, on an address that can be called, and it works.
fn try_it() {
    let mut program = Program::new("picky", &["--host", "0.0.0.0", "--port", "0"]).spawn();
    let line = program.line("try it: ");
    let (url, body) = (line.split("curl -s ").nth(1), line.split("-d '").nth(1));
    let address = url.and_then(|url| url.strip_prefix("http://")?.split('/').next()?.parse().ok());
    let address: std::net::SocketAddr = address.unwrap_or_else(|| panic!("no address: {line}"));
    assert!(address.ip().is_loopback(), "{line}");
    let answer = ask(address, "POST", "/api", &[], body.expect("a body").trim_end_matches('\''));
    assert_eq!(answer.body, r#"{"jsonrpc":"2.0","result":"1 of world","id":1}"#, "{line}");
    let specs = r#"{"jsonrpc":"2.0","method":"get_service_specs","id":1}"#;
    let specs = ask(address, "POST", "/api", &[], specs).json();
    let told = specs["result"]["accessible_at"].as_str().expect("an address").to_owned();
    assert!(told.ends_with(&format!(":{}/api", address.port())) && !told.contains("0.0.0.0"), "{specs}");
}

fn beside_a_service_of_our_name() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("callbox.toml"), "port = 0").expect("a file");
    let program = Program::new("greeter", &[]).env("CALLBOX_PORT", "tcp://10.0.0.1:5000");
    let program = program.in_directory(directory.path()).start();
    assert_eq!(ask(program.address(), "POST", "/api", &[], HELLO).status, 200);
    program.signal(Signal::TERM);
    let Ended { log, .. } = program.ended();
    assert!(log.contains("CALLBOX_PORT is \"tcp://10.0.0.1:5000\", as Kubernetes sets it"), "{log}");
}

/// Each mistake, and what its one line has to say: what is wrong and how to mend it.
fn one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address").port().to_string();
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("lost")).expect("a directory");
    for (name, text) in [
        ("lost/page.hbs", "<p>\n{{> nowhere}}"),
        ("bad.toml", "port = 5000\nhots = \"localhost\"\n"),
        ("value.toml", "# limits\nbody_limit = \"much\"\n"),
        ("broken.toml", "port = \n"),
        ("bad-tokens.toml", "[[token]]\nid = \"0\"\n"),
        ("page.hbs", "<p>\n{{#if a}}"),
    ] {
        fs::write(directory.path().join(name), text).expect("a file");
    }
    let free = ["--port", "0"];
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "greeter",
            &["--port", &taken],
            &["cannot listen on 127.0.0.1:", "in use", "stop what listens there", "--port"],
        ),
        ("greeter", &["--host", "192.0.2.1"], &["cannot listen on 192.0.2.1:5000", "0.0.0.0", "flag --host"]),
        ("greeter", &["--port", "eighty"], &["--port", "\"eighty\"", "from 0 to 65535"]),
        ("greeter", &["--prot", "80"], &["\"--prot\"", "did you mean \"--port\"?"]),
        ("greeter", &["80"], &["unknown argument \"80\"", "--help"]),
        (
            "greeter",
            &["--port", "0", "--origins", "*"],
            &["any web page could call `say_hello`", "loopback", "--origins https://", "flag --origins"],
        ),
        ("greeter", &["--origins", "https://*"], &["--origins", "https://"]),
        ("greeter", &["--config", "bad.toml"], &["bad.toml:2", "\"hots\"", "did you mean \"host\"?"]),
        ("greeter", &["--config", "value.toml"], &["value.toml:2", "body_limit", "\"much\"", "give"]),
        ("greeter", &["--config", "broken.toml"], &["broken.toml:1", "not valid TOML"]),
        ("greeter", &["--config", "none.toml"], &["none.toml", "there is no such file", "CALLBOX_CONFIG"]),
        ("no templates", &free, &["there/is/none", "does not exist", "create it"]),
        ("broken template", &free, &["page.hbs:2", "left open", "mend the template"]),
        ("lost partial", &free, &["page.hbs:2", "there is no template `nowhere`", "mend the template"]),
        ("no static files", &free, &["there/is/none", "does not exist", "create it"]),
        ("two of one name", &free, &["two methods are called `say_hello`", "rename one", "namespace"]),
        ("private without tokens", &free, &["`hidden` needs a token", "`callbox token new --name ME`", ".tokens("]),
        (
            "private without tokens",
            &["--tokens", "bad-tokens.toml"],
            &["flag --tokens: bad-tokens.toml: line 1: missing field `name`", "mend the file"],
        ),
        (
            "private without tokens",
            &["--tokens", "none.toml"],
            &[
                "flag --tokens: the token file none.toml cannot be read",
                "`callbox token new --name ME --file none.toml`",
            ],
        ),
        ("scoped with a closure", &free, &["`administer` needs the scope `admin`", "callbox::Authenticate"]),
        ("tokens twice", &free, &["says twice who checks tokens", "keep one of .tokens(…) and .token_file(…)"]),
        ("two endpoints of one path", &free, &["two endpoints are at `/api`", "a path of its own"]),
        ("no start", &free, &["test.unwell could not start", "on_start failed: invalid digit found in string"]),
        ("bad address", &free, &["cannot listen on `5000`", ".bind(\"127.0.0.1:5000\")"]),
    ];
    for (role, args, said) in cases {
        let Ended { status, out, log } = Program::new(role, args).in_directory(directory.path()).run();
        assert_eq!((status.code(), out.as_str()), (Some(1), ""), "{role} {args:?}: {log}");
        assert!(log.starts_with("Error: ") && log.lines().count() == 1 && log.len() < 300, "{role} {args:?}: {log}");
        for part in *said {
            assert!(log.contains(part), "{role} {args:?} does not say {part:?}: {log}");
        }
    }
}

fn shown() {
    for (args, parts) in [
        (["--help"].as_slice(), ["test.greeter", "--port", "CALLBOX_PORT", "--show-settings"]),
        (&["--show-settings", "--port", "80", "--host", "192.0.2.1"], ["port", "80", "flag --port", "default"]),
        (&["--version"], ["callbox", env!("CARGO_PKG_VERSION"), "(", ")"]),
    ] {
        let Ended { status, out, log } = Program::new("greeter", args).run();
        assert_eq!((status.code(), log.as_str()), (Some(0), ""), "{args:?}");
        for part in parts {
            assert!(out.contains(part), "{args:?} does not show {part:?}: {out}");
        }
    }
}

fn port_0() {
    let (one, other) =
        (Program::new("greeter", &["--port", "0"]).start(), Program::new("greeter", &["--port", "0"]).start());
    assert_ne!(one.address(), other.address());
    for program in [&one, &other] {
        assert_ne!(program.address().port(), 0);
        let answer = ask(program.address(), "POST", "/api", &[], HELLO);
        assert_eq!(answer.body, r#"{"jsonrpc":"2.0","result":"hello world","id":1}"#);
    }
}

fn dialect() {
    let program = Program::new("greeter", &["--port", "0", "--dialect", "pymicroservice"]).start();
    let answer = ask(program.address(), "POST", "/api", &[], HELLO);
    assert_eq!(answer.body, r#"{"error":null,"id":1,"response":"hello world"}"#);
}

fn sources() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = "port = 0\nendpoint = \"/file\"\ndialect = \"gemstone\"\nhttp_status = \"mapped\"\n";
    fs::write(directory.path().join("callbox.toml"), file).expect("a file");
    let program = || Program::new("greeter", &["--endpoint", "/flag"]).in_directory(directory.path());
    let with_env = program().env("CALLBOX_ENDPOINT", "/env").env("CALLBOX_DIALECT", "jsonrpc").start();
    let unknown = r#"{"jsonrpc":"2.0","method":"nobody","id":1}"#;
    let answer = ask(with_env.address(), "POST", "/flag", &[], unknown);
    assert_eq!(answer.status, 404, "mapped, as the file says");
    assert!(answer.json().get("result").is_none(), "jsonrpc, as the environment says: {answer:?}");
    let without_env = program().start();
    let answer = ask(without_env.address(), "POST", "/flag", &[], HELLO);
    assert_eq!(
        answer.body, r#"{"jsonrpc":"2.0","result":"hello world","error":null,"id":1}"#,
        "gemstone, as the file says"
    );
}

/// Makes a token of this name in a file.
fn issue(file: &Path, name: &str) -> String {
    TokenFile::new(file).issue(name, &[], None).expect("a token").reveal().to_owned()
}

/// Whether a server lets a token in.
fn lets_in(program: &RunningProgram, method: &str, token: &str) -> bool {
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","id":1}}"#);
    let answer = ask(program.address(), "POST", "/api", &[("X-Api-Token", token)], body).json();
    match answer["error"]["code"].as_i64() {
        Some(-32001) => false,
        // The method has parameters, at which nobody looks before.
        Some(-32602) | None => true,
        Some(_) => panic!("{answer}"),
    }
}

fn tokens() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("callbox-tokens.toml");
    let ann = issue(&file, "ann");
    let program = Program::new("private without tokens", &["--port", "0", "--token-failures", "off"]);
    let program = program.in_directory(directory.path()).start();
    assert!(lets_in(&program, "hidden", &ann) && !lets_in(&program, "hidden", "bad"));
    let bob = issue(&file, "bob");
    until("the new token is good", || lets_in(&program, "hidden", &bob));
    TokenFile::new(&file).revoke("ann").expect("she has one");
    until("the revoked token is no longer good", || !lets_in(&program, "hidden", &ann));
    fs::remove_file(&file).expect("the file");
    program.signal(Signal::TERM);
    let Ended { status, log, .. } = program.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    let read = log.lines().filter(|line| line.contains("the tokens were read file=callbox-tokens.toml")).count();
    assert_eq!(read, 3, "{log}");
}

fn token_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let [usual, other] = ["callbox-tokens.toml", "other.toml"].map(|file| issue(&directory.path().join(file), "ann"));
    let start = |role: &str, args: &[&str]| {
        Program::new(role, &[&["--port", "0"], args].concat()).in_directory(directory.path()).start()
    };
    // Each server, and which of the program's own token, that of the usual file and that of the other file it lets in.
    for (program, good) in [
        (start("keeper", &[]), [true, false, false]),
        (start("keeper", &["--tokens", "callbox-tokens.toml"]), [false, true, false]),
        (start("keeper", &["--tokens", "other.toml"]), [false, false, true]),
        (start("guarded by a file", &[]), [false, false, true]),
        (start("guarded by a file", &["--tokens", "callbox-tokens.toml"]), [false, true, false]),
    ] {
        assert_eq!([GOOD_TOKEN, &usual, &other].map(|token| lets_in(&program, "secret", token)), good);
    }
}
