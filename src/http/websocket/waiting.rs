//! What a client has sent while its session has no room for further calls.

use std::collections::VecDeque;

use super::close::CloseCode;

/// Size of what waits from which on nothing more is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Size that a message counts besides its text, in bytes.
const MESSAGE_SIZE: usize = 64;

/// A message that waits.
#[derive(Debug)]
pub(super) enum Arrived {
    /// A text, and the id if it is a single call.
    Text(String, Option<Box<str>>),
    Close(Option<CloseCode>),
    /// The client is gone.
    End,
}

/// Messages that wait for room, in the order in which they came, and maybe the end behind them.
///
/// Without them, a client with as many calls as it may have could cancel none of them: nobody would
/// read that it wants to.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    messages: VecDeque<Arrived>,
    bytes: usize,
    /// Whether the end waits, after which nothing follows.
    has_end: bool,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether more may be read.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < MAX_BYTES && !self.has_end
    }

    pub(super) fn push(&mut self, arrived: Arrived) {
        self.bytes += arrived.size();
        self.has_end |= matches!(arrived, Arrived::Close(_) | Arrived::End);
        self.messages.push_back(arrived);
    }

    pub(super) fn pop(&mut self) -> Option<Arrived> {
        let arrived = self.messages.pop_front()?;
        self.bytes -= arrived.size();
        Some(arrived)
    }

    /// Takes out the first call with this id.
    pub(super) fn take_call(&mut self, id: &str) -> Option<String> {
        let has_id = |arrived: &Arrived| matches!(arrived, Arrived::Text(_, Some(own)) if **own == *id);
        let taken = self.messages.remove(self.messages.iter().position(has_id)?)?;
        self.bytes -= taken.size();
        match taken {
            Arrived::Text(text, _) => Some(text),
            Arrived::Close(_) | Arrived::End => None,
        }
    }
}

impl Arrived {
    fn size(&self) -> usize {
        match self {
            Self::Text(text, id) => MESSAGE_SIZE + text.len() + id.as_ref().map_or(0, |id| id.len()),
            Self::Close(_) | Self::End => MESSAGE_SIZE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize, id: &str) -> Arrived {
        Arrived::Text("x".repeat(length), Some(id.into()))
    }

    #[test]
    fn there_is_room_up_to_a_size_and_until_the_end() {
        let mut waiting = Waiting::default();
        for _ in 0..MAX_BYTES / (MESSAGE_SIZE + 960) {
            assert!(waiting.has_room());
            waiting.push(text(959, "1"));
        }
        assert!(!waiting.has_room() && !waiting.is_empty());
        assert!(waiting.pop().is_some() && waiting.has_room());
        waiting.push(Arrived::End);
        assert!(!waiting.has_room());
        while waiting.pop().is_some() {}
        assert!(waiting.is_empty() && waiting.bytes == 0 && !waiting.has_room(), "nothing follows the end");
    }

    #[test]
    fn a_call_that_waits_can_be_taken_out() {
        let mut waiting = Waiting::default();
        for (length, id) in [(1, "1"), (2, "2"), (3, "2")] {
            waiting.push(text(length, id));
        }
        waiting.push(Arrived::Text("[]".to_owned(), None));
        assert_eq!(waiting.take_call("2").as_deref(), Some("xx"));
        assert_eq!(waiting.take_call("\"2\""), None);
        assert_eq!(waiting.take_call("2").as_deref(), Some("xxx"));
        assert_eq!(waiting.take_call("2"), None);
        assert!(matches!(waiting.pop(), Some(Arrived::Text(text, _)) if text == "x"));
        assert!(waiting.pop().is_some() && waiting.pop().is_none() && waiting.bytes == 0);
    }
}
