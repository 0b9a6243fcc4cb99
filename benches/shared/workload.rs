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
    Is(i64),
    True,
    /// A number larger than the last one that this connection was told.
    Larger,
    Float(f64),
    TextOf(usize),
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
    pub fn wrong(&self, body: &[u8], last: &mut i64) -> u64 {
        let answers: Vec<Answer<'_>> = match body.first() {
            Some(b'[') => serde_json::from_slice(body).unwrap_or_default(),
            _ => serde_json::from_slice(body).into_iter().collect(),
        };
        let mut right = vec![false; self.calls];
        for Answer { result, id } in &answers {
            let at = if self.calls == 1 { id.checked_sub(1) } else { Some(*id) };
            let Some(at) = at.filter(|at| *at < self.calls) else { return self.calls as u64 };
            right[at] = (self.expected)(at).is(result.get(), last);
        }
        right.into_iter().filter(|right| !right).count() as u64
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
    id: usize,
}

impl Expected {
    fn is(self, result: &str, last: &mut i64) -> bool {
        match self {
            Self::Is(number) => result.parse() == Ok(number),
            Self::True => result == "true",
            Self::Larger => {
                let before = *last;
                *last = result.parse().unwrap_or(i64::MIN);
                *last > before
            }
            Self::Float(number) => result.parse().is_ok_and(|told: f64| (told - number).abs() < 1e-6),
            Self::TextOf(length) => {
                result.len() == length + 2 && result.bytes().all(|byte| matches!(byte, b'x' | b'"'))
            }
        }
    }
}
