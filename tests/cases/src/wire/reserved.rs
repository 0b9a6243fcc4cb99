//! Names that are callbox's own: the member `_meta` of named parameters, and methods whose names
//! begin with `$/`.
//!
//! What a connection with many answers does with them is tested there, and so are the upgrade to a
//! WebSocket and `Accept: text/event-stream`: those are headers of a request, and a case here is a
//! body.

use super::{Cases, add, batch, error, three};

pub(super) fn add_to(cases: &mut Cases) {
    meta(cases);
    session_messages(cases);
}

fn meta(cases: &mut Cases) {
    let named = |params: &str| format!(r#"{{"jsonrpc":"2.0","method":"add","params":{{{params}}},"id":1}}"#);
    for (what, meta) in [
        ("nothing", "{}"),
        ("null", "null"),
        ("a number", "7"),
        ("an array", "[1]"),
        ("a progress token", r#"{"progressToken":1}"#),
        ("a position and an interval", r#"{"after":"k3f9-17","minIntervalMs":50}"#),
        ("names of parameters", r#"{"a":5,"b":6,"unknown":{"_meta":{}}}"#),
    ] {
        let call = named(&format!(r#""a":1,"_meta":{meta},"b":2"#));
        cases.answered(format!("`_meta` with {what}"), call.clone(), three("1"));
        cases.answered(format!("`_meta` with {what} in a batch"), batch([call]), batch([three("1")]));
    }
    cases.answered("`_meta` with escapes in its name", named(r#""_\u006deta":{},"a":1,"b":2"#), three("1"));
    let hello = r#"{"jsonrpc":"2.0","result":["hello",5],"id":1}"#;
    let alone = r#"{"jsonrpc":"2.0","method":"get_data","params":{"_meta":{"after":"x"}},"id":1}"#;
    cases.answered("`_meta` alone for a method of no parameters", alone, hello);
    cases.unanswered(
        "a notification with `_meta`",
        r#"{"jsonrpc":"2.0","method":"add","params":{"a":1,"b":2,"_meta":{"progressToken":1}}}"#,
    );
}

fn session_messages(cases: &mut Cases) {
    let cancel = r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#;
    cases.unanswered("a cancellation has nothing to cancel", cancel);
    cases.answered("a cancellation behind its call", batch([add("1"), cancel.to_owned()]), batch([three("1")]));
    cases.answered("a cancellation before its call", batch([cancel.to_owned(), add("1")]), batch([three("1")]));
    for (what, name) in [
        ("a cancellation", "$/cancelRequest"),
        ("progress of a caller", "$/progress"),
        ("an empty name of a session", "$/"),
        ("an unknown name of a session", "$/anything"),
        ("a dollar sign", "$"),
    ] {
        let message = |id: &str| format!(r#"{{"jsonrpc":"2.0","method":"{name}","params":{{"id":1}}{id}}}"#);
        cases.unanswered(format!("{what} without an id"), message(""));
        cases.answered(format!("{what} with an id"), message(r#","id":2"#), error(-32601, "2"));
    }
}
