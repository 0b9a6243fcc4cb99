//! Tokens and parameters, which no line contains.

use std::fs;
use std::time::Duration;

use callbox::auth::TokenFile;
use callbox_test_support::event_stream::EventStream;
use callbox_test_support::http::request;
use callbox_test_support::program::{Program, RunningProgram};
use callbox_test_support::roles::GOOD_TOKEN;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use serde_json::json;

use crate::logs::{call, log_of, post};

/// [`GOOD_TOKEN`] as the subprotocol in which a browser sends it.
const GOOD_TOKEN_IN_BASE64: &str = "Y2FuYXJ5LW9mLXRoZS1nb29kLXRva2Vu";

pub(crate) fn canaries() {
    canaries_with(&[], r#"caller="ann""#);
}

pub(crate) fn canaries_of_json_and_access_log() {
    canaries_with(&["--log-format", "json", "--access-log"], r#""caller":"ann""#);
    canaries_with(&["--access-log"], r#"callbox::access: request peer="127.0.0.1" transport="http" method="secret""#);
}

/// Makes calls of all kinds with tokens and parameters that no line may have. `logged` is in the
/// log as a proof that it has lines about them.
fn canaries_with(args: &[&str], logged: &str) {
    let program = Program::with_role("keeper", &[&["--port", "0"], args].concat()).env("RUST_LOG", "trace").start();
    let methods = ["echo", "secret", "fail", "panics", "never", "nobody"];
    let value = r#""canary-of-a-parameter""#;
    let params = [
        format!("[{value}]"),
        format!(r#"{{"text":{value}}}"#),
        format!(r#"{{"text":[{value}]}}"#),
        format!(r#"{{"text":1,{value}:2}}"#),
        format!("[{value},{value}]"),
        format!(r#"{{"text":"x","_meta":{{"requestId":{value},"chain":{value},"traceparent":{value},{value}:1}}}}"#),
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
        answers += &on_other_ways(&program, token, &methods);
    }
    assert!(answers.contains("canary-of-a-parameter"), "a caller may hear its own words");
    for token in ["good-token", "wrong-token", "panic-token", "away-token"] {
        assert!(!answers.contains(token), "a response contains the {token}");
    }
    for path in ["/metrics", "/openrpc.json"] {
        let document = request(program.address(), "GET", path, &[("X-Api-Token", GOOD_TOKEN)], "").body;
        assert!(document.contains("secret") && !document.contains("canary"), "{path}: {document}");
    }
    let log = log_of(program);
    for part in ["the authenticator panicked", "the authenticator failed", "nobody can tell", logged] {
        assert!(log.contains(part), "they were not all looked at: {part}");
    }
    let leaks = |line: &&str| line.contains("canary") || line.contains(GOOD_TOKEN_IN_BASE64);
    let leaking: Vec<_> = log.lines().filter(leaks).collect();
    assert!(leaking.is_empty(), "{} lines, such as {:?}", leaking.len(), leaking.first());
}

/// Sends a token, and parameters, headers and a query that no line may have, over WebSockets and
/// with events. Returns what is answered.
fn on_other_ways(program: &RunningProgram, token: &str, methods: &[&str]) -> String {
    let mut answers = String::new();
    let protocols = format!("callbox, callbox.token.{GOOD_TOKEN_IN_BASE64}");
    let other = ("X-Other", "canary-of-a-header");
    for carried in [("X-Api-Token", token), ("Sec-WebSocket-Protocol", &*protocols)] {
        let mut socket = WebSocket::open_at(program.address(), "/api?token=canary-of-a-query", &[carried, other]);
        for method in methods {
            for text in [json!("canary-of-a-parameter"), json!(["canary-of-a-parameter"])] {
                let meta =
                    json!({ "requestId": "canary-of a parameter", "progressToken": "canary-of-a-progress-token" });
                answers += &socket.call(method, json!({ "text": text, "_meta": meta })).to_string();
            }
        }
        socket.send("{\"canary-of-a-parameter");
        answers += &socket.reply().to_string();
    }
    for method in methods {
        let params = r#"{"text":"canary-of-a-parameter","_meta":{"progressToken":"canary-of-a-progress-token"}}"#;
        let events = EventStream::open(program.address(), &[("X-Api-Token", token), other], call(method, params));
        answers += &events.response.body;
    }
    answers
}

pub(crate) fn token_canary() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.toml");
    let file = TokenFile::new(&path);
    let issue = |name: &str, lifetime| file.issue(name, &["admin"], lifetime).expect("a token");
    let [good, revoked] = ["good", "revoked"].map(|name| issue(name, None));
    let expired = issue("expired", Some(Duration::from_secs(1)));
    let named = path.display().to_string();
    let program = |args: &[&str]| {
        Program::with_role("keeper", &[&["--port", "0", "--tokens", &named], args].concat()).env("RUST_LOG", "trace")
    };
    let shown = program(&["--show-settings"]).run();
    assert!(shown.out.contains("tokens.toml") && shown.out.contains("flag --tokens"), "{}", shown.out);
    let mut printed = shown.out + &shown.log;
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
        printed += &answers;
        !answers.contains("result")
    });
    let [changed, cut] = [format!("{}0", good.reveal()), good.reveal()[..80].to_owned()];
    for token in [good.reveal(), revoked.reveal(), expired.reveal(), &changed, &cut, good.reveal()] {
        for method in
            ["echo", "secret", "nobody", "rpc.discover", "rpc.mailboxes", "rpc.connections", "get_service_specs"]
        {
            printed += &call(token, method);
        }
    }
    printed += &format!("{good:?} {:?} {file:?} {:?}", good.info(), file.list());
    printed += &fs::read_to_string(&path).expect("the file");
    // A file with a token in the wrong place is not quoted either.
    let text = fs::read_to_string(&path).expect("the file").replace(good.info().id(), good.reveal());
    fs::write(&path, text).expect("the file");
    let broken = Program::with_role("keeper", &["--tokens", &named]).run();
    assert!(broken.log.contains("the id of token 1 is not"), "{}", broken.log);
    printed += &broken.log;
    let mut running = running;
    running.wait_for_line("the id of token 1 is not");
    let log = log_of(running);
    assert!(log.contains(r#"caller="good""#) && log.contains("too many wrong tokens"), "{log}");
    printed += &log;
    for token in [good, revoked, expired] {
        let secret = token.reveal().rsplit('_').next().expect("a secret");
        // Half of it is too much as well.
        let found = printed.lines().find(|line| line.contains(&secret[..32]) || line.contains(&secret[32..]));
        assert!(found.is_none(), "{found:?}");
    }
}
