//! What callers ask for, and what they have to be told.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Requests of one kind over some connections.
pub struct Workload {
    pub name: &'static str,
    pub title: &'static str,
    pub connections: usize,
    /// Calls in one request.
    pub calls: usize,
    pub body: fn() -> String,
    /// The result of the member with this index.
    pub expected: fn(usize) -> Expected,
}

/// What one call's result has to be.
#[derive(Clone, Copy)]
pub enum Expected {
    Integer(i64),
    True,
    /// A number larger than the last one that this connection was told.
    Increasing,
    Float(f64),
    TextOfLength(usize),
}

/// A request object.
pub fn call(method: &str, params: &str, id: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":{id}}}"#)
}

impl Workload {
    /// A whole HTTP request.
    pub fn request(&self) -> Vec<u8> {
        let body = (self.body)();
        let length = body.len();
        format!(
            "POST /api HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// How many calls have no answer in this body, or a wrong one. `last` is the connection's last number.
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
