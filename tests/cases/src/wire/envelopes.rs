//! What is a request object, and what is none.

use super::{Cases, add, error, invalid, three};

pub(super) fn add_to(cases: &mut Cases) {
    valid(cases);
    no_request(cases);
    unknown_names(cases);
    repeated(cases);
}

fn valid(cases: &mut Cases) {
    let space = " \t\r\n".repeat(10_000);
    let spaced = format!("{space}{}{space}", add("1"));
    for (name, body) in [
        ("a call", r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}"#),
        ("members in another order", r#"{"id":1,"params":[1,2],"method":"add","jsonrpc":"2.0"}"#),
        ("space within", "{ \"jsonrpc\" :\t\"2.0\",\r\n\"method\":\"add\" , \"params\": [ 1 , 2 ],\n\"id\":1 }"),
        ("an escaped version", r#"{"jsonrpc":"\u0032.0","method":"add","params":[1,2],"id":1}"#),
        ("escaped names", r#"{"jsonrpc":"2.0","\u006dethod":"\u0061dd","params":[1,2],"\u0069d":1}"#),
        (
            "unknown members",
            r#"{"jsonrpc":"2.0","x":{"id":2,"method":3},"method":"add","params":[1,2],"id":1,"y":1e400}"#,
        ),
        (
            "an unknown member with half a pair",
            r#"{"jsonrpc":"2.0","x":"\ud800","method":"add","params":[1,2],"id":1}"#,
        ),
        ("an unknown member twice", r#"{"jsonrpc":"2.0","x":1,"x":2,"":3,"method":"add","params":[1,2],"id":1}"#),
        ("other cases beside", r#"{"jsonrpc":"2.0","method":"add","Method":5,"params":[1,2],"PARAMS":5,"id":1}"#),
        ("space around", spaced.as_str()),
    ] {
        cases.answered(name, body, three("1"));
    }
    let hello = r#"{"jsonrpc":"2.0","result":["hello",5],"id":1}"#;
    for params in ["", r#","params":null"#, r#","params":[]"#, r#","params":{}"#] {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"get_data"{params},"id":1}}"#);
        cases.answered(format!("no parameters, written {params:?}"), body, hello);
    }
}

fn no_request(cases: &mut Cases) {
    for (name, body, id) in [
        ("an empty object", "{}", "null"),
        ("another object", r#"{"foo":"boo"}"#, "null"),
        ("a number", "1", "null"),
        ("a number out of range", "1e400", "null"),
        ("null", "null", "null"),
        ("true", "true", "null"),
        ("a string", r#""x""#, "null"),
        ("half a pair", r#""\ud800""#, "null"),
        ("a method that is a number", r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, "null"),
        ("no method", r#"{"jsonrpc":"2.0","id":5}"#, "5"),
        ("no version", r#"{"method":"add","params":[1,2],"id":1}"#, "1"),
        ("an old version", r#"{"jsonrpc":"1.0","method":"add","params":[1,2],"id":1}"#, "1"),
        ("a version and a space", r#"{"jsonrpc":"2.0 ","method":"add","params":[1,2],"id":1}"#, "1"),
        ("a version that is a number", r#"{"jsonrpc":2.0,"method":"add","params":[1,2],"id":1}"#, "1"),
        ("a version that is null", r#"{"jsonrpc":null,"method":"add","params":[1,2],"id":1}"#, "1"),
        ("a version in an array", r#"{"jsonrpc":["2.0"],"method":"add","params":[1,2],"id":1}"#, "1"),
        ("a version of half a pair", r#"{"jsonrpc":"\ud800","method":"add","params":[1,2],"id":1}"#, "1"),
        ("an old version without an id", r#"{"jsonrpc":"1.0","method":"add","params":[1,2]}"#, "null"),
        ("a method in another case", r#"{"jsonrpc":"2.0","Method":"add","params":[1,2],"id":1}"#, "1"),
        ("a version in another case", r#"{"JSONRPC":"2.0","method":"add","params":[1,2],"id":1}"#, "1"),
        ("a method that is null", r#"{"jsonrpc":"2.0","method":null,"id":1}"#, "1"),
        ("a method in an array", r#"{"jsonrpc":"2.0","method":["add"],"id":1}"#, "1"),
        ("a method of half a pair", r#"{"jsonrpc":"2.0","method":"\ud800","id":1}"#, "1"),
        ("a result", r#"{"jsonrpc":"2.0","result":1,"id":1}"#, "1"),
        ("an error", r#"{"jsonrpc":"2.0","error":{"code":1,"message":""},"id":1}"#, "1"),
    ] {
        cases.answered(name, body, invalid(id));
    }
    for method in ["add", "get_data", "nobody"] {
        for params in [r#""bar""#, "5", "true", "1e400"] {
            let with = |id| format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}{id}}}"#);
            cases.answered(format!("parameters of {method} that are {params}"), with(r#","id":7"#), invalid("7"));
            cases.answered(
                format!("parameters of {method} that are {params}, without an id"),
                with(""),
                invalid("null"),
            );
        }
    }
}

fn unknown_names(cases: &mut Cases) {
    for name in ["", " ", "Add", "add ", "rpc.", "rpc.x", "rpc.add", "foobar", "add\\u0000", "\\\"", "ж"] {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{name}","params":[1,2],"id":1}}"#);
        cases.answered(format!("nothing is called {name:?}"), body, error(-32601, "1"));
    }
}

/// Two parsers that differ here are a way round the access check.
fn repeated(cases: &mut Cases) {
    let members = [r#""jsonrpc":"2.0""#, r#""method":"add""#, r#""params":[1,2]"#, r#""id":1"#];
    let others =
        [r#""method":"get_data""#, r#""\u006dethod":"add""#, r#""id":null"#, r#""params":null"#, r#""jsonrpc":1"#];
    for member in members.into_iter().chain(others) {
        cases.answered(format!("{member} once more"), format!("{{{},{member}}}", members.join(",")), invalid("null"));
        cases.answered(format!("{member} beforehand"), format!("{{{member},{}}}", members.join(",")), invalid("null"));
    }
}
