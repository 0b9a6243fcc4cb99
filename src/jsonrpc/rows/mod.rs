//! The rules of the wire as rows: a body, and its response byte for byte.
//!
//! The parser is checked against them in `tests.rs`, and whole servers in `tests/wire/rows.rs`,
//! which includes this folder by path. Both provide the methods that the examples of the
//! specification call, and `add`.

mod batches;
mod envelopes;
mod ids;
mod limits;
mod not_json;
mod reasons;
mod specification;

/// One rule, by an example.
pub(crate) struct WireRow {
    pub(crate) name: String,
    pub(crate) body: Vec<u8>,
    /// The response, or `None` if there is none.
    pub(crate) answer: Option<String>,
}

impl WireRow {
    /// Panics unless this is the response. If the row does not give the reason of a refusal, any
    /// reason will do; but there must be one.
    pub(crate) fn check(&self, answer: Option<&str>, way: &str) {
        assert_eq!(self.comparable(answer), self.answer, "{}{way}", self.name);
    }

    /// Returns a response in the form that is compared with that of the row: without reasons that
    /// the row does not give.
    pub(crate) fn comparable(&self, answer: Option<&str>) -> Option<String> {
        let says_why = self.answer.as_ref().is_some_and(|answer| answer.contains(REASON));
        answer.map(|answer| if says_why { answer.to_owned() } else { without_reasons(answer) })
    }
}

const REASON: &str = r#","data":{"reason":""#;

/// Returns the response without the reasons of -32600 and -32700.
///
/// Panics if one of these has no reason.
pub(crate) fn without_reasons(answer: &str) -> String {
    let refused = [r#""code":-32600,"message":"Invalid Request""#, r#""code":-32700,"message":"Parse error""#];
    refused.into_iter().fold(answer.to_owned(), |answer, refused| {
        let mut parts = answer.split(refused);
        let mut rest = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let reason = part.strip_prefix(REASON).unwrap_or_else(|| panic!("no reason: {answer}"));
            let end = reason.match_indices('"').find(|(at, _)| !reason[..*at].ends_with('\\'));
            let (words, behind) = reason.split_at(end.expect("a string ends").0);
            assert!(words.contains(' '), "a reason in words: {answer}");
            rest += refused;
            rest += behind.strip_prefix("\"}").expect("nothing but the reason");
        }
        rest
    })
}

/// Returns all rows.
pub(crate) fn all() -> Vec<WireRow> {
    let mut rows = WireRows(Vec::new());
    ids::add_to(&mut rows);
    envelopes::add_to(&mut rows);
    not_json::add_to(&mut rows);
    limits::add_to(&mut rows);
    batches::add_to(&mut rows);
    specification::add_to(&mut rows);
    reasons::add_to(&mut rows);
    rows.0
}

struct WireRows(Vec<WireRow>);

impl WireRows {
    fn answered(&mut self, name: impl Into<String>, body: impl Into<Vec<u8>>, answer: impl Into<String>) {
        self.0.push(WireRow { name: name.into(), body: body.into(), answer: Some(answer.into()) });
    }

    fn unanswered(&mut self, name: impl Into<String>, body: impl Into<Vec<u8>>) {
        self.0.push(WireRow { name: name.into(), body: body.into(), answer: None });
    }
}

/// A call of `add` with 1 and 2.
fn add(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"add","params":[1,2],"id":{id}}}"#)
}

/// Its response.
fn three(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","result":3,"id":{id}}}"#)
}

/// The same as a notification.
fn quiet() -> String {
    r#"{"jsonrpc":"2.0","method":"add","params":[1,2]}"#.to_owned()
}

/// An error without data, apart from the reason of a refusal.
fn error(code: i32, id: &str) -> String {
    let message = match code {
        -32700 => "Parse error",
        -32600 => "Invalid Request",
        -32601 => "Method not found",
        other => panic!("{other} has data"),
    };
    format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"{message}"}},"id":{id}}}"#)
}

fn invalid(id: &str) -> String {
    error(-32600, id)
}

fn broken() -> String {
    error(-32700, "null")
}

fn batch(members: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", members.into_iter().collect::<Vec<_>>().join(","))
}

/// Nested arrays: so many levels, together with the request object around them.
fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1))
}
