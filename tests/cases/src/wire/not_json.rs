//! What is not JSON.

use super::{Cases, add, broken};

pub(super) fn add_to(cases: &mut Cases) {
    let call = add("1");
    let with_params = |params: &str| format!(r#"{{"jsonrpc":"2.0","method":"add","params":{params},"id":1}}"#);
    for (name, body) in [
        ("an empty body", String::new()),
        ("a blank body", " \r\n\t".to_owned()),
        ("half an object", r#"{"a":"#.to_owned()),
        ("half a call", call[..call.len() - 1].to_owned()),
        ("more behind", format!("{call} x")),
        ("two calls", format!("{call}{call}")),
        ("two calls with a comma", format!("{call},{call}")),
        ("a comma behind", format!("{call},")),
        ("a byte order mark", format!("\u{feff}{call}")),
        ("a form feed", format!("\u{c}{call}")),
        ("a space of another kind", format!("\u{a0}{call}")),
        ("NaN alone", "NaN".to_owned()),
        ("half of null", "nul".to_owned()),
        ("single quotes", "{'a':1}".to_owned()),
        ("a name without quotes", "{a:1}".to_owned()),
        ("a comment", "// {}".to_owned()),
        ("a comment within", with_params("[1,/* 2 */3]")),
        ("NaN", with_params("[NaN,2]")),
        ("Infinity", with_params("[-Infinity,2]")),
        ("a leading zero", with_params("[01,2]")),
        ("a trailing comma", with_params("[1,2,]")),
        ("a trailing comma in an object", with_params(r#"{"a":1,"b":2,}"#)),
        ("a leading dot", with_params("[.5,2]")),
        ("a trailing dot", with_params("[1.,2]")),
        ("a plus", with_params("[+1,2]")),
        ("hexadecimal", with_params("[0x1,2]")),
        ("a line within a string", with_params("[\"\n\",2]")),
        ("an unknown escape", with_params(r#"["\x",2]"#)),
        ("an id with a leading zero", add("01")),
        ("a mistake behind a repeated id", r#"{"id":1,"id":2,"x":NaN}"#.to_owned()),
        ("a mistake behind an old version", r#"{"jsonrpc":"1.0","id":2,"x":[}"#.to_owned()),
        ("half a batch", format!("[{call},{call}")),
        ("half a batch behind a comma", format!("[{call},")),
        ("a batch with a trailing comma", format!("[{call},]")),
        ("a batch of a comma", "[,]".to_owned()),
        ("a batch and more", format!("[{call}] x")),
        ("a batch with a mistake in its last member", format!("[{call},{{]")),
        ("half a batch of numbers", "[1,2".to_owned()),
        ("a closing bracket", "]".to_owned()),
    ] {
        cases.answered(name, body, broken());
    }
    for (name, body) in [
        ("a byte that is no text", &b"\xff"[..]),
        ("a name that is no text", b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\",\"id\":1}"),
        ("half a pair in UTF-8", b"[\"\xed\xa0\x80\"]"),
        ("an overlong slash", b"\"\xc0\xaf\""),
        ("half a letter", b"\"\xd0\""),
        ("UTF-16", b"\xff\xfe{\0}\0"),
    ] {
        cases.answered(name, body, broken());
    }
}
