//! The subscriptions of one client.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use crate::client_error::ClientError;
use crate::response;
use crate::stream::{FeedEnd, Notice};

use super::feed::FeedBuffer;

/// The subscriptions that have not ended, by the ids of their first calls.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    feeds: HashMap<u64, OpenFeed>,
    /// The first call of each subscription that the server knows, by the JSON of its id there.
    by_id: HashMap<Box<str>, u64>,
    /// The first calls of those for which the server had no room when they were started again. Some
    /// may have been closed meanwhile.
    rejected: Vec<u64>,
}

#[derive(Debug)]
struct OpenFeed {
    buffer: Arc<FeedBuffer>,
    /// Its id at the server, as JSON, on the connection that is open now.
    id: Option<Box<str>>,
    /// Whether it was started once, so that it is started again after the connection was lost. If
    /// not, its caller decides that.
    was_started: bool,
    /// Whether nobody takes its items any more.
    is_closed: bool,
}

/// The id of a subscription that must be ended at the server, and the name of the method for that.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsubscribe {
    pub(super) method: &'static str,
    pub(super) id: Box<str>,
}

/// The method that ends a subscription, if the service has no other name for it.
const UNSUBSCRIBE: &str = "rpc.unsubscribe";

impl Feeds {
    /// Adds a subscription whose call is going to be sent.
    pub(super) fn open(&mut self, buffer: Arc<FeedBuffer>) {
        let call = buffer.start.call;
        self.feeds.insert(call, OpenFeed { buffer, id: None, was_started: false, is_closed: false });
    }

    /// Removes a subscription whose items nobody takes any more. If the response to its call is
    /// still to come, it is removed by that.
    pub(super) fn close(&mut self, call: u64, is_in_flight: bool) -> Option<Unsubscribe> {
        let feed = self.feeds.get_mut(&call)?;
        feed.is_closed = true;
        if is_in_flight && feed.id.is_none() {
            return None;
        }
        self.remove(call)
    }

    /// Removes what has turned out to be no subscription.
    pub(super) fn forget(&mut self, call: u64) {
        self.remove(call);
    }

    /// Whether this is the call of a subscription.
    pub(super) fn has(&self, call: u64) -> bool {
        self.feeds.contains_key(&call)
    }

    /// Handles the response to the call of a subscription. Its id is known from now on, before any
    /// further message is read. Returns how to end it, if nobody wants it any more.
    pub(super) fn started(&mut self, call: u64, response: &str) -> Option<Unsubscribe> {
        let feed = self.feeds.get_mut(&call)?;
        match response::of_object(response) {
            Ok(id) => {
                let id: Box<str> = id.get().into();
                feed.id = Some(id.clone());
                feed.was_started = true;
                // A plain call that was started like one may have the same text as its result.
                self.by_id.entry(id).or_insert(call);
            }
            // It never ran, as when all clients come back at once after a restart of the server.
            Err(ClientError::Rejected(_)) if feed.was_started => self.rejected.push(call),
            // A caller may repeat its call. One that was started again is refused for good.
            Err(error) if feed.was_started => {
                feed.buffer.end(FeedEnd::Failed(error));
                self.remove(call);
                return None;
            }
            Err(_) => {}
        }
        let is_closed = self.feeds.get(&call).is_some_and(|feed| feed.is_closed);
        if is_closed { self.remove(call) } else { None }
    }

    /// Handles a message of a subscription. One that is not known has just been ended.
    pub(super) fn notice(&mut self, notice: Notice<'_>) {
        let Some(call) = self.by_id.get(notice.subscription.get()).copied() else { return };
        let Some(feed) = self.feeds.get(&call) else { return };
        if feed.buffer.receive(notice) {
            self.remove(call);
        }
    }

    /// Forgets what belongs to the connection that was lost. What is no subscription for certain
    /// cannot be started again, so it ends.
    pub(super) fn disconnected(&mut self, lost: impl Fn() -> FeedEnd) {
        self.by_id.clear();
        self.rejected.clear();
        self.feeds.retain(|_, feed| {
            let is_lost = feed.was_started && !feed.buffer.is_subscription();
            if is_lost {
                feed.buffer.end(lost());
            }
            !feed.is_closed && !is_lost
        });
        for feed in self.feeds.values_mut() {
            feed.id = None;
        }
    }

    /// Returns the calls that start the subscriptions again, with their ids.
    pub(super) fn restart(&self) -> Vec<(u64, Vec<u8>)> {
        let started = self.feeds.values().filter(|feed| feed.was_started);
        started.filter_map(|feed| Some((feed.buffer.start.call, feed.buffer.restart()?))).collect()
    }

    /// Whether the server had no room for a subscription that was started again.
    pub(super) fn has_rejected(&self) -> bool {
        !self.rejected.is_empty()
    }

    /// Returns the calls that start those subscriptions once more, with their ids.
    pub(super) fn restart_rejected(&mut self) -> Vec<(u64, Vec<u8>)> {
        let rejected = mem::take(&mut self.rejected);
        rejected.into_iter().filter_map(|call| Some((call, self.feeds.get(&call)?.buffer.restart()?))).collect()
    }

    /// Ends all subscriptions.
    pub(super) fn end_all(&mut self, end: &FeedEnd) {
        for (_, feed) in self.feeds.drain() {
            feed.buffer.end(end.clone());
        }
    }

    fn remove(&mut self, call: u64) -> Option<Unsubscribe> {
        let feed = self.feeds.remove(&call)?;
        let id = feed.id?;
        if self.by_id.get(&id) == Some(&call) {
            self.by_id.remove(&id);
        }
        Some(Unsubscribe { method: feed.buffer.start.names.unsubscribe.unwrap_or(UNSUBSCRIBE), id })
    }
}

impl Unsubscribe {
    /// Writes the call. Its response has an id that is no number, and is ignored.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let Self { method, id } = self;
        let method = serde_json::Value::from(*method);
        format!(r#"{{"jsonrpc":"2.0","method":{method},"params":[{id}],"id":"unsubscribe"}}"#).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::value::RawValue;

    use super::*;
    use crate::stream::{FeedStart, Frame};
    use crate::subscription::SubscriptionNames;

    fn open(feeds: &mut Feeds, params: Option<&str>, unsubscribe: Option<&'static str>) -> Arc<FeedBuffer> {
        let params = params.map(|json| RawValue::from_string(json.to_owned()).unwrap());
        let names = SubscriptionNames { unsubscribe, ..SubscriptionNames::DEFAULT };
        let (method, deadline) = ("prices".to_owned(), Duration::from_secs(1));
        open_start(feeds, FeedStart { call: 7, method, params, names, deadline, is_subscription: true })
    }

    fn open_start(feeds: &mut Feeds, start: FeedStart) -> Arc<FeedBuffer> {
        let buffer = Arc::new(FeedBuffer::new(start));
        feeds.open(Arc::clone(&buffer));
        buffer
    }

    fn notice(feeds: &mut Feeds, params: &str) {
        let text = format!(r#"{{"method":"prices","params":{{"subscription":"s1",{params}}}}}"#);
        let Ok(Frame::Notice(notice)) = Frame::parse(&text) else { panic!("{text}") };
        feeds.notice(notice);
    }

    const STARTED: &str = r#"{"jsonrpc":"2.0","result":"s1","id":7}"#;
    const REJECTED: &str = r#"{"jsonrpc":"2.0","error":{"code":-32003,"message":"no"},"id":7}"#;

    fn restarted(feeds: &Feeds) -> Vec<String> {
        feeds.restart().into_iter().map(|(_, text)| String::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn a_subscription_is_started_again_after_its_last_position() {
        let mut feeds = Feeds::default();
        let buffer = open(&mut feeds, Some(r#"{"symbol":"ACME"}"#), None);
        assert!(restarted(&feeds).is_empty(), "its caller repeats the call");
        assert!(feeds.started(7, STARTED).is_none());
        notice(&mut feeds, r#""result":1,"cursor":"k-1""#);
        notice(&mut feeds, r#""cursor":"k-5""#);
        feeds.disconnected(|| FeedEnd::Done);
        notice(&mut feeds, r#""result":2,"cursor":"k-9""#);
        assert_eq!(buffer.cursor().as_deref(), Some("k-5"), "an id is of one connection");
        let params = r#"{"_meta":{"after":"k-5"},"symbol":"ACME"}"#;
        assert_eq!(restarted(&feeds), [format!(r#"{{"jsonrpc":"2.0","method":"prices","params":{params},"id":7}}"#)]);
        assert!(feeds.started(7, REJECTED).is_none());
        assert!(!feeds.has(7), "a rejection is the end");
    }

    #[test]
    fn a_subscription_that_nobody_wants_any_more_is_ended_at_the_server() {
        let mut feeds = Feeds::default();
        open(&mut feeds, None, Some("drop_prices"));
        feeds.started(7, STARTED);
        let ended = feeds.close(7, false).unwrap();
        let expected = r#"{"jsonrpc":"2.0","method":"drop_prices","params":["s1"],"id":"unsubscribe"}"#;
        assert_eq!(String::from_utf8(ended.to_json()).unwrap(), expected);

        open(&mut feeds, None, None);
        assert!(feeds.close(7, true).is_none() && feeds.has(7), "the response is still to come");
        assert_eq!(feeds.started(7, STARTED).unwrap().method, UNSUBSCRIBE);
        open(&mut feeds, None, None);
        assert!(feeds.started(7, REJECTED).is_none() && feeds.has(7), "its caller may repeat the call");
        assert!(feeds.close(7, false).is_none() && !feeds.has(7));
    }

    #[test]
    fn a_call_that_may_be_a_plain_one_is_neither_repeated_nor_ended_at_the_server() {
        let mut feeds = Feeds::default();
        let plain = |feeds: &mut Feeds| {
            let names = SubscriptionNames::DEFAULT;
            let (method, deadline) = ("pay".to_owned(), Duration::from_secs(1));
            open_start(feeds, FeedStart { call: 8, method, params: None, names, deadline, is_subscription: false })
        };
        open(&mut feeds, None, None);
        feeds.started(7, STARTED);
        plain(&mut feeds);
        assert!(feeds.started(8, r#"{"result":"s1","id":8}"#).is_none());
        feeds.forget(8);
        assert!(feeds.close(8, false).is_none(), "there is nothing to end");
        assert_eq!(feeds.by_id.get(r#""s1""#), Some(&7), "the subscription with the same text goes on");

        plain(&mut feeds);
        assert!(feeds.started(8, r#"{"result":"s2","id":8}"#).is_none());
        feeds.disconnected(|| FeedEnd::Done);
        assert_eq!(restarted(&feeds).len(), 1);
        assert!(feeds.has(7) && !feeds.has(8));
    }

    #[test]
    fn a_subscription_that_has_ended_needs_no_end() {
        let mut feeds = Feeds::default();
        open(&mut feeds, None, None);
        feeds.started(7, STARTED);
        notice(&mut feeds, r#""done":true"#);
        assert!(feeds.close(7, false).is_none() && restarted(&feeds).is_empty());
    }
}
