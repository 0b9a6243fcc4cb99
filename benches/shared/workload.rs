//! Workloads: the requests of a load, and the results that they must have.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Requests of one kind over a number of connections.
#[derive(Debug)]
pub struct Workload {
    /// Name on the command line.
    pub name: &'static str,
    /// Title of its table.
    pub title: &'static str,
    /// Number of connections.
    pub connections: usize,
    /// Number of calls in one request.
    pub calls: usize,
    /// Returns the body of the request.
    pub body: fn() -> String,
    /// Returns the expected result of the call with this index.
    pub expected: fn(usize) -> Expected,
}

/// A trivial method, 64 connections.
pub const TRIVIAL: Workload = Workload {
    name: "trivial",
    title: "A trivial method, 64 connections",
    connections: 64,
    calls: 1,
    body: || call("ping", "{}", 1),
    expected: |_| Expected::True,
};

/// The expected result of a call.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// This integer.
    Integer(i64),
    /// `true`.
    True,
    /// A number larger than the last one on the same connection.
    Increasing,
    /// This number, up to rounding.
    Float(f64),
    /// A text of this length, of the letter `x`.
    TextOfLength(usize),
}

/// Returns a JSON-RPC request object.
pub fn call(method: &str, params: &str, id: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":{id}}}"#)
}

impl Workload {
    /// Returns the complete HTTP request.
    pub fn request(&self) -> Vec<u8> {
        let body = (self.body)();
        let length = body.len();
        format!(
            "POST /api HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// Returns how many calls have no response in this body, or a wrong one. `last_number` is the
    /// last number that the connection received.
    pub fn count_wrong(&self, body: &[u8], last_number: &mut i64) -> u64 {
        let replies: Vec<Reply<'_>> = match body.first() {
            Some(b'[') => serde_json::from_slice(body).unwrap_or_default(),
            _ => serde_json::from_slice(body).into_iter().collect(),
        };
        let mut is_right = vec![false; self.calls];
        for Reply { result, id } in &replies {
            let at = if self.calls == 1 { id.checked_sub(1) } else { Some(*id) };
            let Some(at) = at.filter(|at| *at < self.calls) else { return self.calls as u64 };
            is_right[at] = (self.expected)(at).matches(result.get(), last_number);
        }
        is_right.into_iter().filter(|is_right| !is_right).count() as u64
    }
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
    id: usize,
}

impl Expected {
    fn matches(self, result: &str, last_number: &mut i64) -> bool {
        match self {
            Self::Integer(number) => result.parse() == Ok(number),
            Self::True => result == "true",
            Self::Increasing => {
                let before = *last_number;
                *last_number = result.parse().unwrap_or(i64::MIN);
                *last_number > before
            }
            Self::Float(number) => result.parse().is_ok_and(|value: f64| (value - number).abs() < 1e-6),
            Self::TextOfLength(length) => {
                result.len() == length + 2 && result.bytes().all(|byte| matches!(byte, b'x' | b'"'))
            }
        }
    }
}
