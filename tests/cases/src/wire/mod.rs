//! The rules for request bodies: each case is a body and its response, byte for byte.
//!
//! `src/jsonrpc/tests.rs` checks the parser alone, and `tests/wire/bodies.rs` checks whole servers.
//! Both offer the methods that the examples of the JSON-RPC specification call, and `add`, which
//! adds two numbers.

mod batches;
mod envelopes;
mod ids;
mod limits;
mod not_json;
mod reasons;
mod reserved;
mod specification;

/// A request body and the response that a server owes.
#[derive(Debug)]
pub struct WireCase {
    /// What is special about the body.
    pub name: String,
    /// The body of the request, valid or not.
    pub body: Vec<u8>,
    /// The body of the response; `None` for notifications, which have none.
    pub response: Option<String>,
}

impl WireCase {
    /// Checks the response of a server. `setup` names the server in the message of the panic.
    ///
    /// # Panics
    /// If the response differs from the expected one. The reason of a refusal may be any text,
    /// unless this case gives it, but there has to be one.
    pub fn check(&self, response: Option<&str>, setup: &str) {
        assert_eq!(self.comparable(response), self.response, "{}{setup}", self.name);
    }

    /// Returns a response without the reasons that this case leaves open, ready to be compared with
    /// the expected one.
    pub fn comparable(&self, response: Option<&str>) -> Option<String> {
        let gives_reason = self.response.as_ref().is_some_and(|response| response.contains(REASON));
        response.map(|response| if gives_reason { response.to_owned() } else { without_reasons(response) })
    }
}

const REASON: &str = r#","data":{"reason":""#;

/// Returns a response without the reasons in its errors -32600 and -32700.
///
/// # Panics
/// If one of these errors has no reason.
pub fn without_reasons(response: &str) -> String {
    let errors = [r#""code":-32600,"message":"Invalid Request""#, r#""code":-32700,"message":"Parse error""#];
    errors.into_iter().fold(response.to_owned(), |response, error| {
        let mut parts = response.split(error);
        let mut rest = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let reason = part.strip_prefix(REASON).unwrap_or_else(|| panic!("no reason: {response}"));
            let end = reason.match_indices('"').find(|(at, _)| !reason[..*at].ends_with('\\'));
            let (words, behind) = reason.split_at(end.expect("a string ends").0);
            assert!(words.contains(' '), "a reason in words: {response}");
            rest += error;
            rest += behind.strip_prefix("\"}").expect("nothing but the reason");
        }
        rest
    })
}

/// Returns all cases.
pub fn cases() -> Vec<WireCase> {
    let mut cases = Cases(Vec::new());
    ids::add_to(&mut cases);
    envelopes::add_to(&mut cases);
    not_json::add_to(&mut cases);
    limits::add_to(&mut cases);
    batches::add_to(&mut cases);
    specification::add_to(&mut cases);
    reasons::add_to(&mut cases);
    reserved::add_to(&mut cases);
    cases.0
}

struct Cases(Vec<WireCase>);

impl Cases {
    fn answered(&mut self, name: impl Into<String>, body: impl Into<Vec<u8>>, response: impl Into<String>) {
        self.0.push(WireCase { name: name.into(), body: body.into(), response: Some(response.into()) });
    }

    fn unanswered(&mut self, name: impl Into<String>, body: impl Into<Vec<u8>>) {
        self.0.push(WireCase { name: name.into(), body: body.into(), response: None });
    }
}

/// Returns a call of `add` with 1 and 2.
fn add(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"add","params":[1,2],"id":{id}}}"#)
}

/// Returns the response to [`add`].
fn three(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","result":3,"id":{id}}}"#)
}

/// Returns [`add`] as a notification.
fn notification() -> String {
    r#"{"jsonrpc":"2.0","method":"add","params":[1,2]}"#.to_owned()
}

/// Returns an error response without data, as a case gives it that leaves the reason open.
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

/// Returns nested arrays that make `levels` levels together with the request object around them.
fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1))
}
