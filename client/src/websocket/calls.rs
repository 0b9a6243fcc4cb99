//! The calls that wait for their responses.

use std::collections::HashMap;

use crate::transport::{BodyIds, TransportError};

use super::socket::Reply;

/// The bodies whose responses have not arrived, by the ids of their first calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    bodies: HashMap<u64, Body>,
    /// The first call of the body of each other call.
    first_of: HashMap<u64, u64>,
    rejected: Vec<RejectedBatch>,
    /// Whether notifications were sent on this connection, which may be rejected without an id.
    has_notified: bool,
}

/// A body that has calls.
#[derive(Debug)]
struct Body {
    ids: BodyIds,
    waiter: Waiter,
    is_sent: bool,
}

/// Who waits for a response.
#[derive(Debug)]
enum Waiter {
    Caller(Reply),
    /// The caller has given up. The server still responds.
    Nobody,
    /// A subscription that is started again.
    Subscription,
}

/// The response that rejects one of several batches, without saying which.
#[derive(Debug)]
struct RejectedBatch {
    response: Vec<u8>,
    /// The batches that it may belong to: those that were sent and have had no response.
    candidates: Vec<u64>,
}

impl Calls {
    /// Adds a body that is going to be sent.
    pub(super) fn add(&mut self, first: u64, ids: BodyIds, reply: Reply) {
        self.insert(first, ids, Waiter::Caller(reply));
    }

    /// Adds the call that starts a subscription again.
    pub(super) fn add_subscription(&mut self, call: u64) {
        self.insert(call, BodyIds { calls: vec![call], is_batch: false }, Waiter::Subscription);
    }

    fn insert(&mut self, first: u64, ids: BodyIds, waiter: Waiter) {
        self.first_of.extend(ids.calls.iter().map(|call| (*call, first)));
        self.bodies.insert(first, Body { ids, waiter, is_sent: false });
    }

    /// Notes that a body is being sent. Returns whether it still should be.
    pub(super) fn mark_sent(&mut self, first: u64) -> bool {
        self.bodies.get_mut(&first).map(|body| body.is_sent = true).is_some()
    }

    /// Notes that a body with notifications alone is being sent.
    pub(super) fn notified(&mut self) {
        self.has_notified = true;
    }

    /// Notes that there is another connection.
    pub(super) fn connected(&mut self) {
        self.has_notified = false;
    }

    /// Whether a body waits to be sent.
    pub(super) fn is_waiting(&self, first: u64) -> bool {
        self.bodies.contains_key(&first)
    }

    /// Whether a call has had no response.
    pub(super) fn has(&self, call: u64) -> bool {
        self.first_of.contains_key(&call)
    }

    /// Gives up a body. Returns the ids of the calls to cancel at the server; none if it was not
    /// sent.
    pub(super) fn cancel(&mut self, first: u64) -> Vec<u64> {
        match self.bodies.get_mut(&first) {
            Some(body) if body.is_sent => {
                body.waiter = Waiter::Nobody;
                body.ids.calls.clone()
            }
            _ => {
                self.remove(first);
                Vec::new()
            }
        }
    }

    /// Passes a response to who waits for it. Returns whether there was such a call.
    pub(super) fn respond(&mut self, call: u64, response: &str) -> bool {
        let Some(first) = self.first_of.get(&call).copied() else { return false };
        self.finish(first, response.as_bytes().to_vec());
        self.settle_rejected();
        true
    }

    /// Passes a response without an id. It rejects a batch as a whole, or else a call that the
    /// server could not read. Returns whether there is one that it can belong to.
    ///
    /// If there are several, it is kept until the others have had their responses. Nothing
    /// distinguishes the rejection of a notification, or of a batch of them. So once any were sent,
    /// a response without an id is not taken for that of a single call, which is rejected like this
    /// only if it is nested too deeply.
    pub(super) fn respond_without_id(&mut self, response: &str) -> bool {
        let sent = |is_batch| {
            let bodies = self.bodies.iter().filter(move |(_, body)| body.is_sent && body.ids.is_batch == is_batch);
            bodies.map(|(first, _)| *first).collect::<Vec<_>>()
        };
        let batches = sent(true);
        let candidates = if batches.is_empty() && !self.has_notified { sent(false) } else { batches };
        if candidates.is_empty() {
            return false;
        }
        self.rejected.push(RejectedBatch { response: response.as_bytes().to_vec(), candidates });
        self.settle_rejected();
        true
    }

    /// Passes on rejections of which it is known by now which bodies they belong to.
    fn settle_rejected(&mut self) {
        while let Some(at) = self.rejected.iter().position(|rejected| self.is_settled(rejected)) {
            let RejectedBatch { response, candidates } = self.rejected.remove(at);
            let first = candidates.into_iter().find(|first| self.bodies.contains_key(first));
            if let Some(first) = first {
                self.finish(first, response);
            }
        }
    }

    /// Whether there are as many rejections as bodies to which they can belong.
    fn is_settled(&self, rejected: &RejectedBatch) -> bool {
        let open = |first: &&u64| self.bodies.contains_key(*first);
        let is_among = |first: &u64| rejected.candidates.contains(first);
        let same = self.rejected.iter().filter(|other| other.candidates.iter().filter(open).all(is_among));
        rejected.candidates.iter().filter(open).count() <= same.count()
    }

    fn finish(&mut self, first: u64, response: Vec<u8>) {
        if let Some(Body { waiter: Waiter::Caller(reply), .. }) = self.remove(first) {
            // The caller may have given up just now.
            let _ = reply.send(Ok(response));
        }
    }

    fn remove(&mut self, first: u64) -> Option<Body> {
        let body = self.bodies.remove(&first)?;
        for call in &body.ids.calls {
            self.first_of.remove(call);
        }
        Some(body)
    }

    /// Ends the bodies that were sent with an error. Those that were not wait for the next
    /// connection.
    pub(super) fn fail_sent(&mut self, error: impl Fn() -> TransportError) {
        self.rejected.clear();
        let is_over = |body: &Body| body.is_sent || matches!(body.waiter, Waiter::Subscription);
        let over: Vec<_> = self.bodies.iter().filter(|(_, body)| is_over(body)).map(|(first, _)| *first).collect();
        for first in over {
            if let Some(Body { waiter: Waiter::Caller(reply), .. }) = self.remove(first) {
                let _ = reply.send(Err(error()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    type Received = oneshot::Receiver<Result<Vec<u8>, TransportError>>;

    fn send(calls: &mut Calls, ids: &[u64], is_batch: bool) -> Received {
        let (reply, received) = oneshot::channel();
        calls.add(ids[0], BodyIds { calls: ids.to_vec(), is_batch }, reply);
        assert!(calls.mark_sent(ids[0]));
        received
    }

    fn text(received: &mut Received) -> Option<String> {
        received.try_recv().ok().map(|result| String::from_utf8(result.unwrap()).unwrap())
    }

    #[test]
    fn responses_find_their_calls_in_any_order() {
        let mut calls = Calls::default();
        let (mut one, mut batch) = (send(&mut calls, &[1], false), send(&mut calls, &[2, 3], true));
        assert!(calls.respond(3, "batch") && calls.respond(1, "one"));
        assert_eq!((text(&mut one).as_deref(), text(&mut batch).as_deref()), (Some("one"), Some("batch")));
        assert!(!calls.respond(1, "again") && !calls.respond(9, "of nobody"));
    }

    #[test]
    fn a_response_without_an_id_goes_to_the_batch_that_gets_no_other() {
        let mut calls = Calls::default();
        let mut single = send(&mut calls, &[1], false);
        let (mut a, mut b, mut c) =
            (send(&mut calls, &[2], true), send(&mut calls, &[3], true), send(&mut calls, &[4], true));
        assert!(calls.respond_without_id("rejected"));
        let mut later = send(&mut calls, &[5], true);
        assert!(calls.respond(3, "b"));
        assert!(text(&mut a).is_none() && text(&mut c).is_none(), "it may belong to either");
        assert!(calls.respond(2, "a"));
        assert_eq!(text(&mut c).as_deref(), Some("rejected"));
        assert_eq!((text(&mut a).as_deref(), text(&mut b).as_deref()), (Some("a"), Some("b")));
        assert!(text(&mut later).is_none() && text(&mut single).is_none());

        let mut sixth = send(&mut calls, &[6], true);
        assert!(calls.respond_without_id("rejected") && calls.respond_without_id("rejected"));
        assert!(text(&mut later).is_some() && text(&mut sixth).is_some(), "both were rejected");
        assert!(calls.respond_without_id("not read"));
        assert_eq!(text(&mut single).as_deref(), Some("not read"));
        assert!(!calls.respond_without_id("of nobody"));
    }

    #[test]
    fn a_response_without_an_id_is_not_taken_for_a_calls_once_notifications_were_sent() {
        let mut calls = Calls::default();
        let mut single = send(&mut calls, &[1], false);
        calls.notified();
        assert!(!calls.respond_without_id("rejected") && text(&mut single).is_none());
        let mut batch = send(&mut calls, &[2, 3], true);
        assert!(calls.respond_without_id("rejected") && text(&mut batch).is_some());
        assert!(calls.respond(1, "one") && text(&mut single).is_some());
        calls.connected();
        let mut other = send(&mut calls, &[4], false);
        assert!(calls.respond_without_id("rejected") && text(&mut other).is_some());
    }

    #[test]
    fn a_call_that_is_given_up_is_cancelled_if_it_was_sent_and_still_gets_its_response() {
        let mut calls = Calls::default();
        let (reply, _received) = oneshot::channel();
        calls.add(1, BodyIds { calls: vec![1], is_batch: false }, reply);
        assert!(calls.cancel(1).is_empty() && !calls.mark_sent(1), "it was not sent, and will not be");
        let _received = send(&mut calls, &[2, 3], true);
        assert_eq!(calls.cancel(2), [2, 3]);
        assert!(calls.respond(2, "[…]"), "the server responds nevertheless");
        assert!(calls.cancel(2).is_empty());
    }

    #[test]
    fn a_lost_connection_ends_what_was_sent() {
        let mut calls = Calls::default();
        let mut sent = send(&mut calls, &[1], false);
        let (reply, mut unsent) = oneshot::channel();
        calls.add(2, BodyIds { calls: vec![2], is_batch: false }, reply);
        calls.add_subscription(3);
        calls.fail_sent(|| TransportError::lost("cut"));
        assert!(sent.try_recv().unwrap().is_err() && unsent.try_recv().is_err());
        assert!(calls.is_waiting(2) && !calls.is_waiting(3) && !calls.has(1));
    }
}
