//! The messages that wait to be sent.

use std::collections::VecDeque;

use super::calls::Calls;
use super::socket::{BodyText, Reply};

/// A message that waits to be sent.
#[derive(Debug)]
enum Outgoing {
    /// A body with calls, whose first id is `first`.
    Calls { first: u64, text: BodyText },
    /// A body with notifications alone.
    Notifications { text: BodyText, reply: Reply },
    /// Something that only makes sense on the connection for which it was written.
    Control(Vec<u8>),
}

/// The messages that wait to be sent, in their order.
#[derive(Debug, Default)]
pub(super) struct OutgoingQueue(VecDeque<Outgoing>);

/// Number of messages from which on no further calls are taken.
const FULL: usize = 64;

impl OutgoingQueue {
    /// Whether further calls may be added.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < FULL
    }

    pub(super) fn push_calls(&mut self, first: u64, text: BodyText) {
        self.0.push_back(Outgoing::Calls { first, text });
    }

    pub(super) fn push_notifications(&mut self, text: BodyText, reply: Reply) {
        self.0.push_back(Outgoing::Notifications { text, reply });
    }

    pub(super) fn push_control(&mut self, text: Vec<u8>) {
        self.0.push_back(Outgoing::Control(text));
    }

    /// Returns the next message, which counts as sent from now on. Calls for which nobody waits any
    /// more are left out. `reads_meta` says whether the server reads what a caller says in the
    /// parameters of a call.
    pub(super) fn next(&mut self, calls: &mut Calls, reads_meta: bool) -> Option<Vec<u8>> {
        loop {
            match self.0.pop_front()? {
                Outgoing::Calls { first, text } if calls.mark_sent(first) => return Some(text.choose(reads_meta)),
                Outgoing::Calls { .. } => {}
                Outgoing::Notifications { reply, .. } if reply.is_closed() => {}
                Outgoing::Notifications { text, reply } => {
                    calls.notified();
                    let _ = reply.send(Ok(Vec::new()));
                    return Some(text.choose(reads_meta));
                }
                Outgoing::Control(text) => return Some(text),
            }
        }
    }

    /// Keeps what can be sent on another connection.
    pub(super) fn keep_for_reconnect(&mut self, calls: &Calls) {
        self.0.retain(|message| match message {
            Outgoing::Calls { first, .. } => calls.is_waiting(*first),
            Outgoing::Notifications { reply, .. } => !reply.is_closed(),
            Outgoing::Control(_) => false,
        });
    }
}

impl BodyText {
    fn choose(self, reads_meta: bool) -> Vec<u8> {
        self.with_meta.filter(|_| reads_meta).unwrap_or(self.plain)
    }
}
