//! What a server logs, and what it keeps to itself.

#[path = "support/program.rs"]
mod program;
#[path = "support/roles.rs"]
mod roles;
mod support;

use std::fs;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use callbox::TokenFile;
use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::Signal;
use serde_json::Value;

use program::{Program, RunningProgram};
use roles::GOOD_TOKEN;
use support::http::{Answer, Connection, ask};
use support::wait::until;

fn main() -> ExitCode {
    if let Some(end) = roles::run() {
        return end;
    }
    let tests: [(&str, fn()); 16] = [
        ("at_debug_each_call_is_one_line", one_line_each),
        ("the_log_filter_comes_from_the_environment_or_the_file", filters),
        ("overload_is_a_warning_and_no_flood_of_them", overload),
        ("a_method_that_holds_its_thread_is_warned_of_once_a_minute_with_the_remedy", dawdling),
        ("a_call_that_would_come_back_is_an_error_that_names_the_services_on_its_way", round_trip),
        ("a_panic_is_an_error_under_the_id_that_its_caller_got", panics),
        ("no_log_and_no_answer_tells_a_token_and_no_log_a_parameter", canaries),
        ("a_log_that_cannot_be_written_changes_nothing_else", unwritable),
        ("calls_under_way_are_answered_when_a_server_stops_whose_log_cannot_be_written", unwritable_at_the_end),
        ("a_subscriber_that_panics_changes_nothing_else", faulty_subscriber),
        ("a_flood_of_failures_is_a_few_lines_with_the_number_of_those_left_out", flood),
        ("at_debug_each_cause_is_a_line", each_cause),
        ("a_host_that_is_refused_is_told_once_with_the_setting_that_allows_it", strange_host),
        ("a_log_filter_that_has_no_effect_is_warned_of", no_effect),
        ("the_cause_behind_an_id_is_logged_whichever_way_a_service_was_started", any_start),
        ("a_token_of_a_file_is_told_once_by_who_makes_it_and_nowhere_else", token_canary),
    ];
    let tests = tests.map(|(name, test)| {
        Trial::test(name, move || -> Result<(), Failed> {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), tests.into()).exit_code()
}

fn post(program: &RunningProgram, headers: &[(&str, &str)], body: &str) -> Answer {
    ask(program.address(), "POST", "/api", headers, body)
}

fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#)
}

/// Stops the program in good order; what it has logged.
fn log_of(program: RunningProgram) -> String {
    program.signal(Signal::TERM);
    let ended = program.ended();
    assert_eq!((ended.status.code(), ended.out.as_str()), (Some(0), ""), "{}", ended.log);
    ended.log
}

fn lines<'a>(log: &'a str, level: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.split_whitespace().nth(1) == Some(level)).collect()
}

fn one_line_each() {
    let program = Program::new("keeper", &["--port", "0"]).env("RUST_LOG", "callbox=debug").start();
    let token = ("X-Api-Token", GOOD_TOKEN);
    let quiet = r#"{"jsonrpc":"2.0","method":"echo","params":["x"]}"#;
    let calls = [
        (call("echo", r#"["x"]"#), [r#"method="echo""#, "end=Answered"]),
        (call("echo", r#"["x"]"#), [r#"method="echo""#, "end=Answered"]),
        (quiet.to_owned(), [r#"method="echo""#, "notification=true"]),
        (call("secret", r#"["x"]"#), [r#"method="secret""#, r#"caller="ann""#]),
        (call("fail", r#"["x"]"#), [r#"method="fail""#, "code=7"]),
        (call("panics", r#"["x"]"#), [r#"method="panics""#, "end=Panicked"]),
        (call("never", r#"["x"]"#), [r#"method="never""#, "end=Expired"]),
        (call("echo", "[]"), [r#"method="echo""#, "code=-32602"]),
        (call("nobody", "[]"), [r#"method="nobody""#, "code=-32601"]),
        (call("no\\nbody", "[]"), [r#"method="no\nbody""#, "code=-32601"]),
        (call("get_service_specs", "[]"), [r#"method="get_service_specs""#, "notification=false"]),
    ];
    for (body, _) in &calls {
        post(&program, &[token], body);
    }
    post(&program, &[], &call("secret", r#"["x"]"#));
    let batch = calls[..2].iter().map(|(body, _)| body.as_str()).collect::<Vec<_>>();
    post(&program, &[], &format!("[{}]", batch.join(",")));
    let mut expected: Vec<_> = calls.iter().map(|(_, parts)| *parts).collect();
    expected.extend([[r#"method="secret""#, "code=-32001"], calls[0].1, calls[1].1]);
    let log = log_of(program);
    let logged: Vec<_> = lines(&log, "DEBUG").into_iter().filter(|line| line.contains("method=")).collect();
    assert_eq!(logged.len(), expected.len(), "{log}");
    for (line, parts) in logged.iter().zip(expected) {
        assert!(parts.iter().all(|part| line.contains(part)), "{parts:?}: {line}");
    }
}

fn filters() {
    let directory = tempfile::tempdir().expect("a directory");
    let only_server = "warn,callbox::server=info";
    let file = format!("port = 0\nlog = \"{only_server}\"\n");
    fs::write(directory.path().join("callbox.toml"), file).expect("a file");
    let plain = || Program::new("keeper", &["--port", "0"]);
    let debug = || plain().env("RUST_LOG", "debug");
    for (name, program, starts, calls) in [
        ("nothing set", plain(), true, false),
        ("RUST_LOG", debug(), true, true),
        ("RUST_LOG of one part", plain().env("RUST_LOG", only_server), false, false),
        ("CALLBOX_LOG goes first", debug().env("CALLBOX_LOG", only_server), false, false),
        ("the file", plain().in_directory(directory.path()), false, false),
    ] {
        let program = program.start();
        post(&program, &[], &call("echo", r#"["x"]"#));
        let log = log_of(program);
        assert!(log.contains("listening") && log.contains("stopped"), "{name}: {log}");
        assert_eq!(log.contains("the service is up"), starts, "{name}: {log}");
        assert_eq!(log.contains(r#"method="echo""#), calls, "{name}: {log}");
        assert!(lines(&log, "WARN").is_empty() && lines(&log, "ERROR").is_empty(), "{name}: {log}");
    }
    let ended = plain().env("RUST_LOG", "callbox=loud").run();
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.log.starts_with(r#"Error: RUST_LOG is "callbox=loud": give a level"#), "{}", ended.log);
}

fn overload() {
    let mut program = Program::new("holder", &["--port", "0"]).start();
    let hold = |n: usize| call("hold_alone", &format!("[{n}]"));
    let mut held = Vec::new();
    for (n, calls) in ["1 let in, 0 waiting", "2 let in, 1 waiting", "3 let in, 2 waiting"].into_iter().enumerate() {
        let mut connection = Connection::open(program.address());
        connection.ask("POST", "/api", &[], hold(n));
        until(calls, || ask(program.address(), "GET", "/calls", &[], "").body == calls);
        held.push(connection);
    }
    let start = Instant::now();
    for _ in 0..300 {
        let answer = post(&program, &[], &hold(9)).json();
        assert_eq!(answer["error"]["code"], -32000, "{answer}");
    }
    let most = start.elapsed().as_secs() + 1;
    program.close_input();
    for connection in &mut held {
        assert_eq!(connection.answer().status, 200);
    }
    let log = log_of(program);
    let warnings = lines(&log, "WARN");
    assert!((1..=most).contains(&(warnings.len() as u64)), "{log}");
    for part in ["overload", r#"method="hold_alone""#, "calls=1 ", "mailbox", "capacity"] {
        assert!(warnings[0].contains(part), "{}", warnings[0]);
    }
    assert!(log.lines().count() < 30, "{log}");
}

fn dawdling() {
    let program = Program::new("dawdler", &["--port", "0"]).start();
    let calls = [("dawdle", 20), ("dawdle_later", 20), ("dawdle", 20), ("dawdle_later", 20), ("dawdle", 20)];
    for (method, millis) in calls.into_iter().chain([("wait", 500), ("grind", 50)]) {
        assert!(post(&program, &[], &call(method, &format!("[{millis}]"))).json()["result"].is_null());
    }
    let log = log_of(program);
    let warned = |method: &str| {
        let name = format!("method=\"{method}\"");
        lines(&log, "WARN").into_iter().filter(|line| line.contains(&name)).map(str::to_owned).collect::<Vec<_>>()
    };
    let held_ms = |line: &str| -> u64 {
        let held = line.split("held_ms=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        held.unwrap_or_else(|| panic!("no time: {line}"))
    };
    for method in ["dawdle", "dawdle_later"] {
        let lines = warned(method);
        assert_eq!(lines.len(), 1, "{method}: {log}");
        assert!(held_ms(&lines[0]) >= 20, "{}", lines[0]);
        for part in ["times=1", "held its thread", "await what takes long", "marked `compute`"] {
            assert!(lines[0].contains(part), "{part}: {}", lines[0]);
        }
    }
    // A busy machine may hold up anybody for a while, but not for as long as that.
    assert!(warned("wait").iter().all(|line| held_ms(line) < 400), "{log}");
    assert!(warned("grind").is_empty(), "{log}");
}

fn round_trip() {
    let program = Program::new("round", &["--port", "0"]).start();
    assert_eq!(ask(program.address(), "GET", "/link", &[], "").body, "true");
    let answer = post(&program, &[], &call("there.go", "[]"));
    assert_eq!(answer.json()["error"]["code"], -32603, "{answer:?}");
    assert!(!answer.body.contains("test."), "{answer:?}");
    let log = log_of(program);
    let chain = "test.there → test.back → there.arrive would wait for itself";
    assert!(lines(&log, "ERROR").iter().any(|line| line.contains(chain)), "{log}");
}

fn panics() {
    let program = Program::new("keeper", &["--port", "0"]).start();
    let answer = post(&program, &[], &call("panics", r#"["x"]"#)).json();
    let id = answer["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned();
    assert_eq!(post(&program, &[], &call("echo", r#"["x"]"#)).json()["result"], "x", "the server goes on");
    let log = log_of(program);
    let errors = lines(&log, "ERROR");
    assert_eq!(errors.len(), 1, "{log}");
    for part in [&id, "the method panics panicked", "on purpose"] {
        assert!(errors[0].contains(part), "{part}: {}", errors[0]);
    }
}

/// Calls each method of the fragile service, a few times and as notifications too, and looks whether it is there afterwards.
fn breaks(program: &RunningProgram) {
    let methods = [
        ("fail", -32603),
        ("panics", -32603),
        ("panics_alone", -32603),
        ("panics_later", -32603),
        ("panics_computing", -32603),
        ("never", -32002),
        ("nobody", -32601),
    ];
    for (method, code) in methods {
        for round in 0..3 {
            let body = call(method, "[]");
            assert_eq!(post(program, &[], &body.replace(r#","id":1"#, "")).status, 204, "{method} {round}");
            // A new state may not be there yet, and too many of them take half a second.
            until(method, || post(program, &[], &body).json()["error"]["code"] == code);
        }
        until("it answers", || post(program, &[], &call("echo", r#"["x"]"#)).json()["result"] == "x");
    }
}

/// Standard errors that cannot be written.
fn no_logs() -> [(&'static str, Stdio); 2] {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a disk that is full");
    [("a closed pipe", writer.into()), ("a full disk", full.into())]
}

fn unwritable() {
    for (name, log) in no_logs() {
        let program = Program::new("fragile", &[]).env("RUST_LOG", "trace").start_unseen(log);
        breaks(&program);
        program.signal(Signal::TERM);
        let ended = program.ended();
        assert_eq!((ended.status.code(), ended.out.as_str()), (Some(0), ""), "{name}");
    }
}

fn unwritable_at_the_end() {
    for (name, log) in no_logs() {
        let mut program = Program::new("holder", &[]).start_unseen(log);
        let mut connection = Connection::open(program.address());
        connection.ask("POST", "/api", &[], call("hold", "[7]"));
        until("it is let in", || ask(program.address(), "GET", "/calls", &[], "").body.starts_with("1 let in"));
        program.signal(Signal::TERM);
        until("it drains", || std::net::TcpStream::connect(program.address()).is_err());
        program.close_input();
        assert_eq!(connection.answer().json()["result"], 7, "{name}");
        assert_eq!(program.ended().status.code(), Some(0), "{name}");
    }
}

fn faulty_subscriber() {
    let program = Program::new("faulty log", &[]).start_unseen(Stdio::null());
    breaks(&program);
    program.signal(Signal::TERM);
    assert_eq!(program.ended().status.code(), Some(0));
}

fn flood() {
    const CALLS: u64 = 2000;
    let methods = ["panics", "panics_later", "panics_computing", "fail"];
    let program = Program::new("fragile", &["--port", "0"]).env("RUST_BACKTRACE", "1").start();
    let start = Instant::now();
    let mut ids = Vec::new();
    for method in methods {
        let batch = format!("[{}]", vec![call(method, "[]"); 100].join(","));
        for _ in 0..CALLS / 100 {
            let answers = post(&program, &[], &batch).json();
            let of = |answer: &Value| answer["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned();
            ids.extend(answers.as_array().expect("answers").iter().map(of));
        }
    }
    // After the pause, one more of each tells what was left out since the last line.
    std::thread::sleep(Duration::from_millis(1100));
    for method in methods {
        let answer = post(&program, &[], &call(method, "[]")).json();
        ids.push(answer["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned());
    }
    let most = start.elapsed().as_secs() + 2;
    let log = log_of(program);
    // Where the limit does not hold, it is too long to be shown.
    let shown: String = log.chars().take(5000).collect();
    // One may stand behind the beginning of a line of Rust's own hook, which writes its lines in pieces.
    let errors: Vec<_> = log.split(" ERROR ").skip(1).filter_map(|rest| rest.lines().next()).collect();
    for method in methods {
        let cause = if method == "fail" { "cause=on purpose".to_owned() } else { format!("method {method} panicked") };
        let told: Vec<_> = errors.iter().filter(|line| line.contains(&cause)).collect();
        assert!((2..=most).contains(&(told.len() as u64)), "{method}: {shown}");
        let number = |line: &&&str| -> u64 {
            let left_out = line.split("left_out=").nth(1);
            left_out.map_or(0, |rest| rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number"))
        };
        // A line for each, or its number.
        assert_eq!(told.iter().map(number).sum::<u64>() + told.len() as u64, CALLS + 1, "{method}: {shown}");
        for line in told {
            let id = line.split("correlation_id=").nth(1).and_then(|rest| rest.split(' ').next());
            assert!(id.is_some_and(|id| ids.iter().any(|known| known == id)), "{line}");
        }
    }
    let places = log.matches("panicked at ").count() as u64;
    assert!((6..=3 * most).contains(&places), "{shown}");
    assert!(log.contains("more panics at this place were not shown)"), "{shown}");
    // A backtrace may have a hundred lines.
    let bytes = log.len() as u64;
    assert!(bytes < 200_000 * most, "{bytes} bytes in {most} s");
}

fn strange_host() {
    let program = Program::new("greeter", &["--port", "0"]).start();
    for host in ["shop.example.org", "no host", "other.example.org"] {
        let headers: &[(&str, &str)] = &[("Host", host)];
        let answer = post(&program, headers, &call("say_hello", r#"["x"]"#));
        assert!(answer.status == 421 && answer.body.contains("allowed_hosts"), "{host}: {answer:?}");
        assert!(!answer.body.contains("example.org"), "{answer:?}");
    }
    let log = log_of(program);
    let warnings = lines(&log, "WARN");
    assert_eq!(warnings.len(), 1, "{log}");
    for part in ["host=\"shop.example.org\"", "times=1", "421", "--allowed-hosts", "CALLBOX_ALLOWED_HOSTS"] {
        assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
    }
}

fn each_cause() {
    let program = Program::new("fragile", &["--port", "0", "--log", "callbox=debug"]).start();
    let ids: Vec<_> = (0..20)
        .map(|_| {
            let answer = post(&program, &[], &call("fail", "[]")).json();
            answer["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned()
        })
        .collect();
    let log = log_of(program);
    for id in ids {
        let told = log.lines().filter(|line| line.contains(&format!("correlation_id={id} cause=on purpose"))).count();
        assert_eq!(told, 1, "{id}: {log}");
    }
}

fn no_effect() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("callbox.toml"), "port = 0\nlog = \"warn\"\n").expect("a file");
    let own = |args: &[&str]| Program::new("own log", &[&["--port", "0"], args].concat());
    for (program, from) in [
        (own(&["--log", "debug"]), Some("flag --log")),
        (own(&[]).env("CALLBOX_LOG", "debug"), Some("environment CALLBOX_LOG")),
        (own(&[]).in_directory(directory.path()), Some("callbox.toml:2")),
        // That is for every program, and may be what its subscriber has read.
        (own(&[]).env("RUST_LOG", "info"), None),
        (own(&[]), None),
        // Here the filter has an effect.
        (Program::new("greeter", &["--port", "0", "--log", "info"]), None),
    ] {
        let log = log_of(program.start());
        let warnings = lines(&log, "WARN");
        match from {
            Some(from) => {
                let told = |line: &&&str| line.contains("this log filter has no effect") && line.contains(from);
                assert_eq!(warnings.iter().filter(told).count(), 1, "{from}: {log}");
            }
            None => assert!(warnings.is_empty(), "{log}"),
        }
    }
}

fn any_start() {
    for role in ["launched", "tested"] {
        let ended = Program::new(role, &[]).run();
        let data: Value = serde_json::from_str(&ended.out).expect("what the call was answered");
        let id = data["correlation_id"].as_str().expect("an id");
        let told = lines(&ended.log, "ERROR").iter().filter(|line| line.contains(id)).count();
        assert_eq!((ended.status.code(), told), (Some(0), 1), "{role}: {}", ended.log);
    }
}

fn canaries() {
    let program = Program::new("keeper", &["--port", "0"]).env("RUST_LOG", "trace").start();
    let methods = ["echo", "secret", "fail", "panics", "never", "nobody"];
    let value = r#""canary-of-a-parameter""#;
    let params = [
        format!("[{value}]"),
        format!(r#"{{"text":{value}}}"#),
        format!(r#"{{"text":[{value}]}}"#),
        format!(r#"{{"text":1,{value}:2}}"#),
        format!("[{value},{value}]"),
        value.to_owned(),
    ];
    let mut bodies: Vec<_> =
        methods.iter().flat_map(|method| params.iter().map(|params| call(method, params))).collect();
    let quiet = bodies.iter().map(|body| body.replace(r#","id":1"#, "")).collect::<Vec<_>>();
    let batch = format!("[{}]", bodies.join(","));
    bodies.extend(quiet);
    bodies.extend([batch, format!("{{{value}"), value.to_owned()]);
    let mut answers = String::new();
    for token in [GOOD_TOKEN, "canary-of-a-wrong-token", "canary-of-a-panic-token", "canary-of-an-away-token"] {
        let bearer = format!("Bearer {token}");
        for header in [("X-Api-Token", token), ("Authorization", &bearer)] {
            for body in &bodies {
                answers += &post(&program, &[header], body).body;
            }
        }
        let refused = [("X-Api-Token", token), ("Content-Type", "text/plain")];
        answers += &post(&program, &refused, &bodies[0]).body;
    }
    assert!(answers.contains("canary-of-a-parameter"), "a caller may hear its own words");
    for token in ["good-token", "wrong-token", "panic-token", "away-token"] {
        assert!(!answers.contains(token), "an answer tells the {token}");
    }
    let log = log_of(program);
    for part in ["the authenticator panicked", "the authenticator failed error=nobody can tell", r#"caller="ann""#] {
        assert!(log.contains(part), "they were not all looked at: {part}");
    }
    let told: Vec<_> = log.lines().filter(|line| line.contains("canary")).collect();
    assert!(told.is_empty(), "{} lines, such as {:?}", told.len(), told.first());
}

fn token_canary() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.toml");
    let file = TokenFile::new(&path);
    let issue = |name: &str, lifetime| file.issue(name, &["admin"], lifetime).expect("a token");
    let [good, revoked] = ["good", "revoked"].map(|name| issue(name, None));
    let expired = issue("expired", Some(Duration::from_secs(1)));
    let named = path.display().to_string();
    let program = |args: &[&str]| {
        Program::new("keeper", &[&["--port", "0", "--tokens", &named], args].concat()).env("RUST_LOG", "trace")
    };
    let shown = program(&["--show-settings"]).run();
    assert!(shown.out.contains("tokens.toml") && shown.out.contains("flag --tokens"), "{}", shown.out);
    let mut told = shown.out + &shown.log;
    let running = program(&["--token-failures", "20"]).start();
    until("the token has expired", || file.list().expect("the tokens")[2].is_expired());
    file.revoke("revoked").expect("a token of that name");
    let call = |token: &str, method: &str| {
        let bearer = format!("Bearer {token}");
        let one = call(method, r#"["x"]"#);
        let batch = format!("[{one},{}]", one.replace(r#","id":1"#, ""));
        [("X-Api-Token", token), ("Authorization", &*bearer)]
            .map(|header| [&one, &batch].map(|body| post(&running, &[header], body).body).concat())
            .concat()
    };
    until("the token is revoked", || {
        let answers = call(revoked.reveal(), "secret");
        told += &answers;
        !answers.contains("result")
    });
    let [changed, cut] = [format!("{}0", good.reveal()), good.reveal()[..80].to_owned()];
    for token in [good.reveal(), revoked.reveal(), expired.reveal(), &changed, &cut, good.reveal()] {
        for method in ["echo", "secret", "nobody", "rpc.discover", "rpc.mailboxes", "get_service_specs"] {
            told += &call(token, method);
        }
    }
    told += &format!("{good:?} {:?} {file:?} {:?}", good.info(), file.list());
    told += &fs::read_to_string(&path).expect("the file");
    // A file with a token in the wrong place is not quoted either.
    let text = fs::read_to_string(&path).expect("the file").replace(good.info().id(), good.reveal());
    fs::write(&path, text).expect("the file");
    let broken = Program::new("keeper", &["--tokens", &named]).run();
    assert!(broken.log.contains("the id of token 1 is not"), "{}", broken.log);
    told += &broken.log;
    let mut running = running;
    running.line("the id of token 1 is not");
    let log = log_of(running);
    assert!(log.contains(r#"caller="good""#) && log.contains("too many wrong tokens"), "{log}");
    told += &log;
    for token in [good, revoked, expired] {
        let secret = token.reveal().rsplit('_').next().expect("a secret");
        // Half of it is too much as well.
        let found = told.lines().find(|line| line.contains(&secret[..32]) || line.contains(&secret[32..]));
        assert!(found.is_none(), "{found:?}");
    }
}
