//! Ids are echoed byte for byte, and only a missing one makes a notification.

use super::{Cases, add, error, invalid, notification, three};

pub(super) fn add_to(cases: &mut Cases) {
    let long = format!("\"{}\"", "x".repeat(4094));
    for id in [
        "1",
        "-1",
        "0",
        "1.0",
        "1.5",
        "1e2",
        "1E+2",
        "1e400",
        "-0",
        "-0.0",
        "18446744073709551616",
        "123456789012345678901234567890",
        "null",
        r#""""#,
        r#""1""#,
        r#""A""#,
        r#""\u0041""#,
        r#""\ud800""#,
        r#""\"id\":\\""#,
        r#""ключ 🔑""#,
        &long,
    ] {
        let short = id.get(..30).unwrap_or(id);
        cases.answered(format!("a result under the id {short}"), add(id), three(id));
        cases.answered(
            format!("an error under the id {short}"),
            format!(r#"{{"id": {id} ,"jsonrpc":"2.0","method":"nobody"}}"#),
            error(-32601, id),
        );
        cases.answered(
            format!("an invalid request under the id {short}"),
            format!(r#"{{"jsonrpc":"2.0","method":5,"id":{id}}}"#),
            invalid(id),
        );
    }
    for id in
        ["true", "false", "{}", "[]", "[1]", r#"{"id":1}"#, &format!("\"{}\"", "x".repeat(4095)), &"1".repeat(4097)]
    {
        let short = id.get(..30).unwrap_or(id);
        cases.answered(format!("{short} is no id"), add(id), invalid("null"));
        cases.answered(
            format!("{short} is no id of an unknown method"),
            format!(r#"{{"jsonrpc":"2.0","method":"nobody","id":{id}}}"#),
            invalid("null"),
        );
    }
    cases.unanswered("a request without an id", notification());
    cases.unanswered("a request without an id and parameters", r#"{"jsonrpc":"2.0","method":"get_data"}"#);
    cases.unanswered("an id in capitals is none", r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"ID":1}"#);
    cases.unanswered("an unknown method without an id", r#"{"jsonrpc":"2.0","method":"nobody"}"#);
}
