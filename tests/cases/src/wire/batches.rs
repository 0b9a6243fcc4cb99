//! Batches and notifications.

use super::{Cases, add, batch, error, invalid, notification, three};

pub(super) fn add_to(cases: &mut Cases) {
    let none = || invalid("null");
    let named = |name: &str, id: &str| format!(r#"{{"jsonrpc":"2.0","method":"{name}","id":{id}}}"#);
    cases.answered("an empty batch", "[]", none());
    cases.answered("an empty batch with space", " [ ] \n", none());
    for (name, members, answers) in [
        ("a call in a batch", vec![add("1")], vec![three("1")]),
        ("two calls", vec![add("1"), add(r#""x""#)], vec![three("1"), three(r#""x""#)]),
        ("equal ids", vec![add("1"), add("1"), add("null")], vec![three("1"), three("1"), three("null")]),
        ("an invalid member", vec!["1".to_owned()], vec![none()]),
        ("a batch within", vec![batch([add("1")])], vec![none()]),
        (
            "an empty batch within",
            vec!["[]".to_owned(), batch([batch([])]), "{}".to_owned()],
            vec![none(), none(), none()],
        ),
        ("a call in the form of an array", vec![r#"["2.0","add",[1,2],1]"#.to_owned()], vec![none()]),
        ("values", vec!["1e400".to_owned(), r#""\ud800""#.to_owned(), "null".to_owned()], vec![none(), none(), none()]),
        ("valid, invalid and quiet", vec![add("1"), "{}".to_owned(), notification()], vec![three("1"), none()]),
        (
            "a mistake does not concern the others",
            vec![named("nobody", "1"), add("2"), r#"{"id":"x"}"#.to_owned(), add("3")],
            vec![error(-32601, "1"), three("2"), invalid(r#""x""#), three("3")],
        ),
        (
            "a repeated member does not concern the others",
            vec![r#"{"jsonrpc":"2.0","method":"add","method":"add","id":1}"#.to_owned(), add("2")],
            vec![none(), three("2")],
        ),
    ] {
        cases.answered(format!("in a batch: {name}"), batch(members), batch(answers));
    }
    cases.unanswered("a batch of a notification", batch([notification()]));
    cases.unanswered(
        "a batch of notifications",
        batch([notification(), r#"{"jsonrpc":"2.0","method":"nobody"}"#.to_owned()]),
    );
}
