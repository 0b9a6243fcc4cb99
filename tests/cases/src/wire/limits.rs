//! How deep a request may nest, and how many members a batch may have, by default.

use super::{Cases, add, batch, broken, error, invalid, nested, three};

pub(super) fn add_to(cases: &mut Cases) {
    let skipped =
        |levels| format!(r#"{{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1,"x":{}}}"#, nested(levels));
    cases.answered("127 levels in what is skipped", skipped(127), three("1"));
    cases.answered("128 levels in what is skipped", skipped(128), broken());
    cases.answered("127 levels in a batch", batch([skipped(127)]), batch([three("1")]));
    cases.answered("128 levels in a member of a batch", batch([add("1"), skipped(128)]), broken());
    for place in ["params", "id", "jsonrpc", "method"] {
        let call = |levels| format!(r#"{{"{place}":{},"a":"[[{{","b":"{}"}}"#, nested(levels), "[".repeat(200));
        cases.answered(format!("127 levels in {place}"), call(127), invalid("null"));
        cases.answered(format!("128 levels in {place}"), call(128), broken());
    }
    let deep = |levels| format!(r#"{{"jsonrpc":"2.0","method":"nobody","params":{},"id":1}}"#, nested(levels));
    cases.answered("127 levels of parameters", deep(127), error(-32601, "1"));
    cases.answered("128 levels of parameters", deep(128), broken());
    for open in ["[", r#"{"a":"#] {
        cases.answered(format!("{open} and no end"), open.repeat(150_000), broken());
    }
    let name = |bytes| format!(r#"{{"jsonrpc":"2.0","method":"{}","id":1}}"#, "x".repeat(bytes));
    cases.answered("a name of 256 bytes", name(256), error(-32601, "1"));
    cases.answered("a name of 257 bytes", name(257), error(-32601, "1"));
    cases.answered("a name of 500,000 bytes", name(500_000), error(-32601, "1"));

    let ones = |members: usize| batch(vec!["1".to_owned(); members]);
    cases.answered("100 members", batch(vec![add("1"); 100]), batch(vec![three("1"); 100]));
    cases.answered("100 invalid members", ones(100), batch(vec![invalid("null"); 100]));
    cases.answered("101 members", batch(vec![add("1"); 101]), invalid("null"));
    cases.answered("101 invalid members", ones(101), invalid("null"));
    cases.answered("500,000 members", ones(500_000), invalid("null"));
    cases.answered("a broken batch of too many", format!("[{}", "1,".repeat(200)), broken());
    cases.answered("a batch of too many and more", format!("{} x", ones(200)), broken());
}
