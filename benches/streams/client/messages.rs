//! The messages of the load, and the items that a subscriber receives.

use std::io;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::frames;
use callbox_benches::workload::call;

/// Where the number of an item begins in its message: after this.
const BEFORE_NUMBER: &[u8] = br#""result":{"number":"#;

/// The frames that are to be sent on one connection.
#[derive(Default)]
pub(crate) struct Outbox(Vec<u8>);

impl Outbox {
    /// Adds a message.
    pub(crate) fn push(&mut self, text: &str) {
        frames::write_text(&mut self.0, text.as_bytes());
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        frames::write_pong(&mut self.0, payload);
    }

    pub(super) fn frames(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

/// Returns the call that subscribes to the prices, after this cursor if there is one.
pub(crate) fn subscribe(after: Option<&str>) -> String {
    let params = after.map_or_else(|| "{}".to_owned(), |after| format!(r#"{{"_meta":{{"after":"{after}"}}}}"#));
    call("prices", &params, 0)
}

/// Returns the notification that cancels a call.
pub(crate) fn cancel(id: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#)
}

/// Returns the id and the result of a response, or `None` if the message is an item.
///
/// # Errors
///
/// If the response is an error, or the message is something else.
pub(crate) fn reply<T: DeserializeOwned>(message: &[u8]) -> io::Result<Option<(usize, T)>> {
    #[derive(Deserialize)]
    struct Message<T> {
        result: Option<T>,
        id: Option<usize>,
        method: Option<String>,
    }
    let error = || wrong("a wrong response", message);
    match serde_json::from_slice(message).map_err(|_| error())? {
        Message { method: Some(_), .. } => Ok(None),
        Message { result: Some(result), id: Some(id), .. } => Ok(Some((id, result))),
        _ => Err(error()),
    }
}

/// Whether a message says that this call was cancelled.
pub(crate) fn is_cancelled(message: &[u8], id: usize) -> bool {
    let message: serde_json::Value = serde_json::from_slice(message).unwrap_or_default();
    message["error"]["code"] == -32800 && message["id"] == id
}

/// Checks the items of one subscription.
#[derive(Default)]
pub(crate) struct Subscriber {
    /// Number of the last item, once there was one.
    pub(crate) last: Option<u64>,
    /// What each message begins with, once there was one.
    prefix: Vec<u8>,
    /// Number of gaps that the server has reported, and of the items in them.
    pub(crate) gaps: u64,
    pub(crate) missed: u64,
}

/// An item, as far as it is read.
pub(crate) struct Item<'a> {
    pub(crate) number: u64,
    /// When it was published.
    pub(crate) at: u64,
    /// The message after these two.
    rest: &'a [u8],
}

impl Subscriber {
    /// Creates the subscriber of the items after this one.
    pub(crate) fn after(number: u64) -> Self {
        Self { last: Some(number), ..Self::default() }
    }

    /// Returns the next item; `None` for a message that is no item.
    ///
    /// # Errors
    ///
    /// If items are missing that the server has not reported, or one comes a second time.
    pub(crate) fn receive<'a>(&mut self, message: &'a [u8]) -> io::Result<Option<Item<'a>>> {
        if self.prefix.is_empty() {
            let Some(at) = find(message, BEFORE_NUMBER) else { return Ok(None) };
            self.prefix = message[..at + BEFORE_NUMBER.len()].to_vec();
        }
        let Some(item) = message.strip_prefix(&*self.prefix) else { return Ok(None) };
        let (number, rest) = leading_number(item);
        let (at, rest) = leading_number(rest.strip_prefix(br#","at":"#).unwrap_or_default());
        let item = Item { number, at, rest };
        let missed = match self.last.replace(number) {
            Some(last) if number <= last => return Err(wrong(&format!("item {number} after {last}"), message)),
            Some(last) => number - last - 1,
            None => 0,
        };
        if missed > 0 {
            if item.lagged() != Some(missed) {
                return Err(wrong(&format!("{missed} items before {number} are lost, without a report"), message));
            }
            self.gaps += 1;
            self.missed += missed;
        }
        Ok(Some(item))
    }

    /// Returns the subscriber of a new connection that continues after the last item.
    pub(crate) fn resumed(&self) -> Self {
        Self { prefix: Vec::new(), ..*self }
    }
}

impl<'a> Item<'a> {
    /// Returns how many items the server says were missed before this one.
    pub(crate) fn lagged(&self) -> Option<u64> {
        let at = find(self.rest, br#","lagged":"#)? + br#","lagged":"#.len();
        let digits = &self.rest[at..];
        digits.first()?.is_ascii_digit().then(|| leading_number(digits).0)
    }

    /// Whether the server says that an unknown number was missed.
    pub(crate) fn lagged_unknown(&self) -> bool {
        find(self.rest, br#","lagged":null"#).is_some()
    }

    /// Returns its cursor.
    pub(crate) fn cursor(&self) -> Option<&'a str> {
        let at = find(self.rest, br#""cursor":""#)? + br#""cursor":""#.len();
        let cursor = &self.rest[at..];
        std::str::from_utf8(&cursor[..cursor.iter().position(|byte| *byte == b'"')?]).ok()
    }
}

/// Returns the error that a message of the server is.
pub(crate) fn wrong(what: &str, message: &[u8]) -> io::Error {
    io::Error::other(format!("{what}: {}", String::from_utf8_lossy(message)))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Returns the number at the beginning, and the rest.
fn leading_number(text: &[u8]) -> (u64, &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')), &text[end..])
}
