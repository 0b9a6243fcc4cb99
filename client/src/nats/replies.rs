//! The inbox of a connection, at which replies and items arrive.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::{Message, Subscriber};
use futures_util::StreamExt;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// Maximum number of messages of one subscription that its subscriber has not taken, besides the
/// last one. Those between are missed, and the next one says so.
const MAX_WAITING: usize = 1024;

/// What waits for messages. Each has a subject of its own: that of the inbox, and a number.
pub(super) struct Inbox {
    /// The beginning of all subjects, with a dot at its end.
    prefix: String,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    calls: HashMap<u64, oneshot::Sender<Message>>,
    streams: HashMap<u64, StreamEntry>,
}

struct StreamEntry {
    messages: mpsc::Sender<StreamMessage>,
    last: LastMessage,
}

/// The last message of a stream, if it has found no room. It may be the end, so it is never missed,
/// even if the stream is ended from elsewhere.
type LastMessage = Arc<Mutex<Option<StreamMessage>>>;

impl StreamEntry {
    fn put(&mut self, message: Message) {
        let mut newest = StreamMessage { message, missed: 0 };
        let mut last = lock(&self.last);
        if let Some(before) = last.take()
            && let Err(TrySendError::Full(before)) = self.messages.try_send(before)
        {
            newest.missed = before.missed + 1;
            *last = Some(newest);
        } else if let Err(TrySendError::Full(newest)) = self.messages.try_send(newest) {
            *last = Some(newest);
        }
    }
}

/// A message of a stream.
#[derive(Debug)]
pub(super) struct StreamMessage {
    pub(super) message: Message,
    /// Number of messages before it that found no room.
    pub(super) missed: u64,
}

impl Inbox {
    /// Makes an inbox below this subject.
    pub(super) fn new(subject: &str) -> Arc<Self> {
        Arc::new(Self { prefix: format!("{subject}."), waiting: Mutex::default() })
    }

    /// Returns the subject of the whole inbox.
    pub(super) fn wildcard(&self) -> String {
        format!("{}*", self.prefix)
    }

    /// Delivers what arrives, until the subscription ends. It never waits, so that the messages of
    /// one subscriber do not keep those of others.
    pub(super) async fn deliver(self: Arc<Self>, mut arriving: Subscriber) {
        while let Some(message) = arriving.next().await {
            let number = message.subject.strip_prefix(&*self.prefix).and_then(|number| number.parse().ok());
            if let Some(number) = number {
                self.put(number, message);
            }
        }
    }

    fn put(&self, number: u64, message: Message) {
        let mut waiting = self.waiting();
        if let Some(call) = waiting.calls.remove(&number) {
            // An error means that the caller is leaving.
            let _ = call.send(message);
        } else if let Some(stream) = waiting.streams.get_mut(&number) {
            stream.put(message);
        }
    }

    /// Registers a call, and returns the subject of its reply.
    pub(super) fn call(self: &Arc<Self>) -> WaitingCall {
        let (sender, reply) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.next += 1;
        let number = waiting.next;
        waiting.calls.insert(number, sender);
        drop(waiting);
        WaitingCall { entry: Entry { inbox: Arc::clone(self), number }, reply }
    }

    /// Registers a stream, and returns the subject of its messages.
    pub(super) fn stream(self: &Arc<Self>) -> WaitingStream {
        let ((messages, received), last) = (mpsc::channel(MAX_WAITING), LastMessage::default());
        let mut waiting = self.waiting();
        waiting.next += 1;
        let number = waiting.next;
        waiting.streams.insert(number, StreamEntry { messages, last: Arc::clone(&last) });
        drop(waiting);
        WaitingStream { entry: Entry { inbox: Arc::clone(self), number }, received, last }
    }

    /// Ends everything that waits: the connection is lost, and so may be any message.
    pub(super) fn lose_all(&self) {
        let mut waiting = self.waiting();
        waiting.calls.clear();
        waiting.streams.clear();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The place of a call or a stream, which is free again when this is dropped.
struct Entry {
    inbox: Arc<Inbox>,
    number: u64,
}

impl Entry {
    fn subject(&self) -> String {
        format!("{}{}", self.inbox.prefix, self.number)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut waiting = self.inbox.waiting();
        waiting.calls.remove(&self.number);
        waiting.streams.remove(&self.number);
    }
}

/// A call that waits for its reply.
pub(super) struct WaitingCall {
    entry: Entry,
    reply: oneshot::Receiver<Message>,
}

impl WaitingCall {
    /// Returns where the reply is expected.
    pub(super) fn subject(&self) -> String {
        self.entry.subject()
    }

    /// Waits for the reply; `None` if the connection is lost.
    pub(super) async fn reply(&mut self) -> Option<Message> {
        (&mut self.reply).await.ok()
    }
}

/// A stream that waits for its messages.
pub(super) struct WaitingStream {
    entry: Entry,
    received: mpsc::Receiver<StreamMessage>,
    last: LastMessage,
}

impl WaitingStream {
    /// Returns where the messages are expected.
    pub(super) fn subject(&self) -> String {
        self.entry.subject()
    }

    /// Returns what ends the stream from elsewhere.
    pub(super) fn loss(&self) -> StreamLoss {
        StreamLoss { inbox: Arc::clone(&self.entry.inbox), number: self.entry.number }
    }

    /// Waits for the next message; `None` if the connection is lost, or the stream was ended.
    pub(super) async fn next(&mut self) -> Option<StreamMessage> {
        // The last one comes after all those that have found room.
        if let Ok(message) = self.received.try_recv() {
            return Some(message);
        }
        let last = lock(&self.last).take();
        if last.is_some() { last } else { self.received.recv().await }
    }
}

/// Ends a stream whose sender is lost.
pub(super) struct StreamLoss {
    inbox: Arc<Inbox>,
    number: u64,
}

impl StreamLoss {
    pub(super) fn end(self) {
        self.inbox.waiting().streams.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, payload: &'static str) -> Message {
        let (reply, headers, status, description) = (None, None, None, None);
        Message { subject: subject.into(), reply, payload: payload.into(), headers, status, description, length: 0 }
    }

    #[tokio::test]
    async fn each_message_goes_to_the_one_that_waits_for_it() {
        let inbox = Inbox::new("_INBOX.a");
        assert_eq!(inbox.wildcard(), "_INBOX.a.*");
        let (mut call, mut stream, left) = (inbox.call(), inbox.stream(), inbox.call());
        assert_eq!((&*call.subject(), &*stream.subject()), ("_INBOX.a.1", "_INBOX.a.2"));
        drop(left);
        for (number, payload) in [(2, "one"), (1, "reply"), (3, "nobody"), (9, "nobody"), (2, "two")] {
            inbox.put(number, message("", payload));
        }
        assert_eq!(&*call.reply().await.unwrap().payload, b"reply");
        for expected in ["one", "two"] {
            assert_eq!(&*stream.next().await.unwrap().message.payload, expected.as_bytes());
        }
        let mut lost = inbox.call();
        inbox.lose_all();
        assert!(lost.reply().await.is_none() && stream.next().await.is_none());
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted_in_the_last_message_which_is_kept() {
        let inbox = Inbox::new("_INBOX.a");
        for is_ended in [false, true] {
            let mut stream = inbox.stream();
            let number = stream.entry.number;
            (0..MAX_WAITING + 2).for_each(|_| inbox.put(number, message("", "item")));
            inbox.put(number, message("", "last"));
            if is_ended {
                stream.loss().end();
            }
            for _ in 0..MAX_WAITING {
                assert_eq!(stream.next().await.unwrap().missed, 0);
            }
            let last = stream.next().await.unwrap();
            assert_eq!((&*last.message.payload, last.missed), (b"last".as_slice(), 2));
            inbox.put(number, message("", "after"));
            assert_eq!(stream.next().await.map(|message| message.missed), (!is_ended).then_some(0));
        }
    }

    #[tokio::test]
    async fn what_was_kept_comes_before_what_arrives_later() {
        let inbox = Inbox::new("_INBOX.a");
        let mut stream = inbox.stream();
        (0..MAX_WAITING).for_each(|_| inbox.put(1, message("", "item")));
        inbox.put(1, message("", "one"));
        stream.next().await.unwrap();
        inbox.put(1, message("", "two"));
        inbox.put(1, message("", "three"));
        for _ in 1..MAX_WAITING {
            assert_eq!(&*stream.next().await.unwrap().message.payload, b"item");
        }
        let expected: [(&[u8], u64); 2] = [(b"one", 0), (b"three", 1)];
        for expected in expected {
            let next = stream.next().await.unwrap();
            assert_eq!((&*next.message.payload, next.missed), expected);
        }
    }
}
