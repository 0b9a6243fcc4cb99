//! A file of tokens over the wire: who gets in, who no longer does, and how often one may be wrong.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use callbox::Server;
use callbox::auth::{Authenticate, Jwt, Tokens};
use callbox_test_support::http::{Connection, request};
use callbox_test_support::wait::until;
use futures::FutureExt;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::calculator::{Running, batch, call, error, notification, result, start, start_with};
use crate::trusted_proxies::is_limited;

/// A calculator with a file of tokens.
struct Guarded {
    running: Running,
    tokens: Tokens,
    /// Gone with this.
    _directory: tempfile::TempDir,
}

fn guarded(settings: impl FnOnce(Server) -> Server) -> Guarded {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.toml");
    fs::write(&path, "").expect("a file");
    let tokens = Tokens::open(&path).expect("an empty file will do");
    let handle = tokens.clone();
    let running = start_with(move |server| settings(server.tokens(handle)));
    Guarded { running, tokens, _directory: directory }
}

impl Guarded {
    /// A token that the server knows.
    fn issue(&self, name: &str, scopes: &[&str]) -> String {
        let token = self.tokens.file().issue(name, scopes, None).expect("a token").reveal().to_owned();
        // Asked here, where a wrong token is not held against anybody.
        let is_known =
            || self.tokens.authenticate(&token).now_or_never().is_some_and(|answer| answer.unwrap().is_some());
        until("the new token is good", is_known);
        token
    }

    fn rpc(&self, token: Option<&str>, request: &Value) -> Value {
        match token {
            Some(token) => self.running.server.with_token(token).rpc(request),
            None => self.running.server.rpc(request),
        }
    }

    fn who(&self, token: &str) -> Value {
        self.rpc(Some(token), &json!({ "jsonrpc": "2.0", "method": "who_am_i", "id": 1 }))["result"].clone()
    }

    /// Changes the expiry of all tokens that have one, in the format of the file.
    fn expire_all(&self) {
        let path = self.tokens.file().path();
        let text = fs::read_to_string(path).expect("the file");
        let past =
            |line: &str| if line.starts_with("expires") { "expires = 2020-01-01T00:00:00Z" } else { line }.to_owned();
        let text = text.lines().map(past).collect::<Vec<_>>().join("\n");
        let beside = path.with_extension("new");
        fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)).expect("another file in its place");
    }
}

/// Returns the names of all methods, as the servers report them: the public ones, and the others.
fn methods() -> (BTreeSet<String>, BTreeSet<String>) {
    let method_names = |running: &Running| {
        let specs = running.server.rpc(&json!({ "jsonrpc": "2.0", "method": "get_service_specs", "id": 1 }));
        specs["result"]["methods"].as_object().expect("methods").keys().cloned().collect::<BTreeSet<_>>()
    };
    let (all, public) = (method_names(&start()), method_names(&start_with(|server| server.hide_private(true))));
    let private = all.difference(&public).cloned().chain(["rpc.mailboxes".to_owned()]).collect();
    (public.into_iter().chain(["rpc.discover".to_owned()]).collect(), private)
}

pub(crate) const DENIED: i32 = -32001;

/// Those of the methods that deny a caller, alone and in a batch, which have to be the same.
fn denied(guarded: &Guarded, token: Option<&str>, methods: &BTreeSet<String>) -> BTreeSet<String> {
    let call = |method: &String| json!({ "jsonrpc": "2.0", "method": method, "id": method });
    let is_denied = |answer: &Value| answer["error"]["code"] == DENIED;
    let names = |answers: Vec<Value>| -> BTreeSet<String> {
        let denied = answers.into_iter().filter(is_denied);
        denied.map(|answer| answer["id"].as_str().expect("its name").to_owned()).collect()
    };
    let alone = names(methods.iter().map(|method| guarded.rpc(token, &call(method))).collect());
    let together = guarded.rpc(token, &methods.iter().map(call).collect());
    let together = together.as_array().expect("a batch").clone();
    assert_eq!(together.len(), methods.len());
    assert_eq!(alone, names(together));
    alone
}

#[test]
fn every_private_method_denies_no_bad_expired_revoked_and_insufficient_tokens() {
    let (public, private) = methods();
    assert!(
        public.len() > 10 && private.contains("secret") && private.contains("administer"),
        "{public:?} {private:?}"
    );
    let all: BTreeSet<_> = public.union(&private).cloned().collect();
    let guarded = guarded(|server| server.token_failures(None));
    let file = guarded.tokens.file();
    let expired = file.issue("expired", &["admin"], Some(Duration::from_secs(3600))).expect("a token");
    let expired = expired.reveal();
    let [revoked, removed] = ["revoked", "removed"].map(|name| guarded.issue(name, &["admin"]));
    let (plain, admin) = (guarded.issue("plain", &[]), guarded.issue("root", &["admin"]));
    until("a token that has not expired", || guarded.who(expired) == "expired");
    // Each of them was good a moment ago, so its decision is kept.
    guarded.expire_all();
    guarded.tokens.revoke("revoked").expect("a token of that name");
    assert_eq!(guarded.who(&revoked), Value::Null, "at once");
    file.revoke("removed").expect("a token of that name");
    until("the token that was removed from the file is no longer good", || guarded.who(&removed).is_null());
    until("the token that has expired is no longer good", || guarded.who(expired).is_null());
    let (start_of_admin, secret_of_plain) = (&admin[..admin.len() - 64], &plain[plain.len() - 64..]);
    let bad = format!("{start_of_admin}{secret_of_plain}");
    let nobodys = [None, Some("bad"), Some("cbx_"), Some(&*bad), Some(expired), Some(&revoked), Some(&removed)];
    for token in nobodys {
        assert_eq!(denied(&guarded, token, &all), private, "{token:?}");
    }
    let administers = private.iter().filter(|name| *name == "administer").cloned().collect();
    assert_eq!(denied(&guarded, Some(&plain), &all), administers, "without the scope");
    assert_eq!(denied(&guarded, Some(&admin), &all), BTreeSet::new());
    // `rpc.discover` lists the methods that a caller may call.
    let discover = json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 });
    for token in [None, Some(expired), Some(&*revoked), Some(&*plain), Some(&*admin)] {
        let discovered = guarded.rpc(token, &discover);
        let discovered = discovered["result"]["methods"].as_array().expect("methods").iter();
        let discovered: BTreeSet<_> =
            discovered.filter_map(|method| method["name"].as_str().map(str::to_owned)).collect();
        let refused = denied(&guarded, token, &all);
        let allowed = |name: &&String| !refused.contains(*name) && !name.starts_with("rpc.");
        let callable: BTreeSet<_> = all.iter().filter(allowed).cloned().collect();
        assert_eq!(discovered, callable, "{token:?}");
    }
}

#[test]
fn each_kind_of_wrong_token_gets_the_same_bytes() {
    let guarded = guarded(|server| server.token_failures(2));
    let plain = guarded.issue("plain", &[]);
    let address = guarded.running.server.address();
    let body = batch([call("administer", "[1]", "1"), notification("administer", "[1]")]);
    let ask = |token: &str| request(address, "POST", "/api", &[("X-Api-Token", token)], &body);
    for token in ["", &plain, "bad", "cbx_000000000000_0"] {
        assert_eq!(ask(token).body, batch([error(DENIED, "1")]), "{token}");
    }
    // The others are not even looked at.
    for token in ["bad", &plain, "cbx_000000000000_0", &plain, "bad"] {
        let answer = ask(token).body;
        assert!(is_limited(answer.trim_matches(['[', ']'])), "{token}: {answer}");
    }
    assert_eq!(ask("").body, batch([error(DENIED, "1")]), "no token is no wrong one");
}

/// A call from an address of our choice, of which loopback has many.
pub(crate) fn secret_from(peer: &str, server: SocketAddr, token: &str, headers: &[(&str, &str)]) -> String {
    let mut connection = Connection::open_from(peer.parse::<Ipv4Addr>().expect("an address").octets(), server);
    let headers = [headers, &[("X-Api-Token", token)]].concat();
    connection.send_request("POST", "/api", &headers, call("secret", "[3]", "1"));
    connection.read_response().body
}

#[test]
fn a_peer_that_sends_too_many_wrong_tokens_is_refused_and_others_are_not() {
    let calculator = start_with(|server| server.token_failures(5));
    let server = calculator.server.address();
    let from = |peer: &str, token: &str| secret_from(peer, server, token, &[]);
    assert_eq!(from("127.0.0.2", "good"), result("3", "1"));
    for n in 0..20 {
        // Whatever it says of where it comes from.
        let claimed = format!("203.0.113.{n}");
        let forwarded = format!("for={claimed}");
        let headers = [("X-Forwarded-For", &*claimed), ("Forwarded", &*forwarded), ("X-Real-IP", &*claimed)];
        let answer = secret_from("127.0.0.2", server, "bad", &headers);
        assert!(if n < 5 { answer == error(DENIED, "1") } else { is_limited(&answer) }, "{n}: {answer}");
    }
    assert_eq!(calculator.asked(), 1 + 5);
    assert!(is_limited(&from("127.0.0.2", "good")), "refused unasked, and with the answer of any token");
    assert_eq!(calculator.asked(), 0);
    assert_eq!(from("127.0.0.3", "good"), result("3", "1"));
    assert_eq!(calculator.asked(), 1);
    let public = request(server, "POST", "/api", &[("X-Api-Token", "bad")], call("add", "[1,2]", "1"));
    assert_eq!(public.body, result("3", "1"), "what needs no token is not affected");
}

#[test]
fn a_revoked_token_is_refused_by_the_next_call() {
    let guarded = guarded(|server| server);
    for n in 0..10 {
        let token = guarded.issue(&format!("token {n}"), &[]);
        let secret =
            || guarded.rpc(Some(&token), &json!({ "jsonrpc": "2.0", "method": "secret", "params": [3], "id": 1 }));
        assert_eq!(secret()["result"], 3);
        assert_eq!(secret()["result"], 3, "by the decision that is kept");
        guarded.tokens.revoke(&format!("token {n}")).expect("a token of that name");
        assert_eq!(secret()["error"]["code"], DENIED);
    }
}

#[test]
fn a_json_web_token_is_a_token_like_others() {
    let (key, secret) = ("AQEB".repeat(11), EncodingKey::from_secret(&[1; 33]));
    let keys = |id: &str| json!({ "keys": [{ "kty": "oct", "kid": id, "alg": "HS256", "k": key }] }).to_string();
    let jwt = Jwt::new("issuer", "calculator", &keys("one")).expect("a set of keys");
    let handle = jwt.clone();
    let running = start_with(move |server| server.tokens(handle));
    let token = |audience: &str, scope: &str| {
        let header = Header { kid: Some("one".to_owned()), ..Header::default() };
        let claims =
            json!({ "iss": "issuer", "aud": audience, "exp": 4_000_000_000_u32, "sub": "ann", "scope": scope });
        encode(&header, &claims, &secret).expect("a token")
    };
    let body = batch([call("who_am_i", "[]", "1"), call("secret", "[3]", "2"), call("administer", "[3]", "3")]);
    let answer = |token: &str| running.server.with_token(token).post(&body).body;
    let [who, secret, administer] = [result(r#""ann""#, "1"), result("3", "2"), result("3", "3")];
    let no = |id: &str| error(DENIED, id);
    let good = token("calculator", "read admin");
    assert_eq!(answer(&good), batch([who.clone(), secret.clone(), administer]));
    assert_eq!(answer(&token("calculator", "read")), batch([who, secret, no("3")]));
    let nobody = batch([result("null", "1"), no("2"), no("3")]);
    assert_eq!(answer(&token("another", "admin")), nobody);
    jwt.replace_keys(&keys("two")).expect("a set of keys");
    assert_eq!(answer(&good), nobody, "at once");
}
