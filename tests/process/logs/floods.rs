//! What happens thousands of times is logged in a few lines.

use std::time::{Duration, Instant};

use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::Program;
use callbox_test_support::wait::until;
use serde_json::Value;

use crate::logs::{call, lines, log_of, post};

pub(crate) fn overload() {
    let mut program = Program::with_role("holder", &["--port", "0"]).start();
    let hold = |n: usize| call("hold_alone", &format!("[{n}]"));
    let mut held = Vec::new();
    for (n, calls) in
        ["1 admitted, 0 waiting", "2 admitted, 1 waiting", "3 admitted, 2 waiting"].into_iter().enumerate()
    {
        let mut connection = Connection::open(program.address());
        connection.send_request("POST", "/api", &[], hold(n));
        until(calls, || request(program.address(), "GET", "/calls", &[], "").body == calls);
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
        assert_eq!(connection.read_response().status, 200);
    }
    let log = log_of(program);
    let warnings = lines(&log, "WARN");
    assert!((1..=most).contains(&(warnings.len() as u64)), "{log}");
    for part in ["overload", r#"method="hold_alone""#, "calls=1 ", "mailbox", "capacity"] {
        assert!(warnings[0].contains(part), "{}", warnings[0]);
    }
    assert!(log.lines().count() < 30, "{log}");
}

pub(crate) fn flood() {
    const CALLS: u64 = 2000;
    let methods = ["panics", "panics_later", "panics_computing", "fail"];
    let program = Program::with_role("fragile", &["--port", "0"]).env("RUST_BACKTRACE", "1").start();
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
    // After the pause, one more of each has the number of those left out since the last line.
    std::thread::sleep(Duration::from_millis(1100));
    for method in methods {
        let answer = post(&program, &[], &call(method, "[]")).json();
        ids.push(answer["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned());
    }
    let most = start.elapsed().as_secs() + 2;
    let log = log_of(program);
    // Where the limit does not hold, it is too long to be shown.
    let shown: String = log.chars().take(5000).collect();
    // A line may follow the beginning of another one: Rust's own panic hook writes its lines in
    // pieces.
    let errors: Vec<_> = log.split(" ERROR ").skip(1).filter_map(|rest| rest.lines().next()).collect();
    for method in methods {
        let cause = if method == "fail" { "cause=on purpose".to_owned() } else { format!("method {method} panicked") };
        let logged: Vec<_> = errors.iter().filter(|line| line.contains(&cause)).collect();
        assert!((2..=most).contains(&(logged.len() as u64)), "{method}: {shown}");
        let number = |line: &&&str| -> u64 {
            let left_out = line.split("left_out=").nth(1);
            left_out.map_or(0, |rest| rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number"))
        };
        // A line for each, or its number.
        assert_eq!(logged.iter().map(number).sum::<u64>() + logged.len() as u64, CALLS + 1, "{method}: {shown}");
        for line in logged {
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

pub(crate) fn strange_host() {
    let program = Program::with_role("greeter", &["--port", "0"]).start();
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

pub(crate) fn wrong_tokens() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.toml");
    std::fs::write(&path, "").expect("a file");
    let path = path.display().to_string();
    let args = ["--port", "0", "--tokens", &path, "--token-failures", "2", "--trusted-proxies", "127.0.0.1"];
    let program = Program::with_role("keeper", &args).start();
    let start = Instant::now();
    for _ in 0..50 {
        for client in ["203.0.113.7", "2001:db8:1:2:3:4:5:6"] {
            let answer = post(&program, &[("X-Forwarded-For", client), ("X-Api-Token", "bad")], &call("secret", "[]"));
            assert_eq!(answer.json()["error"]["code"], -32001, "{answer:?}");
        }
        // Both are believed only if they agree.
        let headers = [("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=203.0.113.8")];
        post(&program, &headers, &call("secret", "[]"));
    }
    let elapsed = start.elapsed();
    let log = log_of(program);
    let warnings = lines(&log, "WARN");
    for peer in ["peer=203.0.113.7 ", "peer=2001:db8:1:2:: "] {
        let about: Vec<_> = warnings.iter().filter(|line| format!("{line} ").contains(peer)).collect();
        assert!((1..=elapsed.as_secs() / 60 + 1).contains(&(about.len() as u64)), "{peer}: {log}");
        for part in ["too many wrong tokens", "unchecked", "--trusted-proxies"] {
            assert!(about[0].contains(part), "{part}: {}", about[0]);
        }
    }
    let disagree: Vec<_> = warnings.iter().filter(|line| line.contains("neither is believed")).collect();
    assert!((1..=elapsed.as_secs() + 1).contains(&(disagree.len() as u64)), "{log}");
    assert!(disagree[0].contains("proxy=127.0.0.1"), "{}", disagree[0]);
}
