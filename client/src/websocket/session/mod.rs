//! What the background task knows, apart from the connection itself: it survives a reconnect.

use std::collections::HashMap;
use std::sync::Weak;

use crate::client_error::{Cause, ClientError};
use crate::progress::ProgressSlot;
use crate::response;
use crate::stream::{FeedEnd, Frame, ProgressNotice, ResponseId};
use crate::transport::TransportError;

use super::calls::Calls;
use super::feeds::{Feeds, Unsubscribe};
use super::outgoing::OutgoingQueue;
use super::socket::{BodyText, Command, Control, STOPPED};

/// The calls and subscriptions of one client, and what is going to be sent.
#[derive(Debug, Default)]
pub(super) struct Session {
    calls: Calls,
    feeds: Feeds,
    /// Who gets the reports of calls, by the ids of the calls.
    progress: HashMap<u64, Weak<ProgressSlot>>,
    outgoing: OutgoingQueue,
    /// Whether the server reads what a caller says in the parameters of a call.
    reads_meta: bool,
}

impl Session {
    /// Whether another body may be added.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.has_room()
    }

    /// Adds a body, unless nobody waits for it any more.
    pub(super) fn add(&mut self, Command { text, ids, progress, reply }: Command) {
        if reply.is_closed() {
            return;
        }
        match ids.calls.first().copied() {
            Some(first) => {
                self.progress.extend(progress.map(|slot| (first, slot)));
                self.calls.add(first, ids, reply);
                self.outgoing.push_calls(first, text);
            }
            None => self.outgoing.push_notifications(text, reply),
        }
    }

    /// Makes a change that somebody has asked for.
    pub(super) fn change(&mut self, control: Control) {
        match control {
            Control::Open(buffer) => self.feeds.open(buffer),
            Control::Close { call } => {
                let ended = self.feeds.close(call, self.calls.has(call));
                self.unsubscribe(ended);
            }
            Control::Forget { call } => self.feeds.forget(call),
            Control::Cancel { first } => {
                self.progress.remove(&first);
                for call in self.calls.cancel(first) {
                    let cancel = format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{call}}}}}"#);
                    self.outgoing.push_control(cancel.into_bytes());
                }
            }
        }
    }

    /// Returns the next message to send.
    pub(super) fn next_message(&mut self) -> Option<Vec<u8>> {
        self.outgoing.next(&mut self.calls, self.reads_meta)
    }

    /// Handles a message of the server.
    ///
    /// # Errors
    /// If it is not one that a server may send.
    pub(super) fn receive(&mut self, text: &str) -> Result<(), Cause> {
        match Frame::parse(text)? {
            Frame::Response(ResponseId::Call(call)) => {
                self.start_feed(call, text);
                self.progress.remove(&call);
                if !self.calls.respond(call, text) {
                    return Err(Cause::new(format!("it is a response with the id {call}, which no open call has")));
                }
            }
            Frame::Response(ResponseId::Missing) => {
                if !self.calls.respond_without_id(text) {
                    let error = response::of_object(text).err().map(|error| error.to_string());
                    log_error!(error, "the server has rejected a notification, or a call that was given up");
                }
            }
            Frame::Batch(members) => {
                let mut call = None;
                for (id, json) in members {
                    let ResponseId::Call(id) = id else { continue };
                    self.start_feed(id, json.get());
                    call = call.or(Some(id).filter(|id| self.calls.has(*id)));
                }
                if !call.is_some_and(|call| self.calls.respond(call, text)) {
                    return Err(Cause::new("it has the responses to a batch that was not sent"));
                }
            }
            Frame::Notice(notice) => self.feeds.notice(notice),
            Frame::Progress(ProgressNotice { token, value }) => {
                if let Some(slot) = self.progress.get(&token).and_then(Weak::upgrade) {
                    slot.put(value);
                }
            }
            Frame::Response(ResponseId::Ignored) | Frame::Other => {}
        }
        Ok(())
    }

    /// Handles the response to a call, if that starts a subscription.
    fn start_feed(&mut self, call: u64, response: &str) {
        if self.feeds.has(call) {
            let ended = self.feeds.started(call, response);
            self.unsubscribe(ended);
        }
    }

    fn unsubscribe(&mut self, ended: Option<Unsubscribe>) {
        if let Some(unsubscribe) = ended {
            self.outgoing.push_control(unsubscribe.to_json());
        }
    }

    /// Ends what belongs to the connection that was lost.
    pub(super) fn disconnected(&mut self, error: impl Fn() -> TransportError) {
        self.feeds.disconnected(|| FeedEnd::Failed(error().into()));
        self.calls.fail_sent(error);
        self.progress.retain(|call, _| self.calls.has(*call));
        self.outgoing.keep_for_reconnect(&self.calls);
    }

    /// Ends the subscriptions with this error.
    pub(super) fn end_subscriptions(&mut self, error: &ClientError) {
        self.feeds.end_all(&FeedEnd::Failed(error.clone()));
    }

    /// Begins a connection, and starts the subscriptions again that there were on the last one.
    /// `reads_meta` says whether its server reads what a caller says in the parameters of a call.
    pub(super) fn connected(&mut self, reads_meta: bool) {
        self.reads_meta = reads_meta;
        self.calls.connected();
        let started = self.feeds.restart();
        self.restart(started);
    }

    /// Whether the server had no room for a subscription that was started again.
    pub(super) fn has_rejected(&self) -> bool {
        self.feeds.has_rejected()
    }

    /// Starts those subscriptions once more.
    pub(super) fn restart_rejected(&mut self) {
        let rejected = self.feeds.restart_rejected();
        self.restart(rejected);
    }

    fn restart(&mut self, calls: Vec<(u64, Vec<u8>)>) {
        for (call, plain) in calls {
            self.calls.add_subscription(call);
            self.outgoing.push_calls(call, BodyText { plain, with_meta: None });
        }
    }
}

impl Drop for Session {
    /// The task ends with its runtime. Nobody may wait for it then. The calls end, as who sends
    /// their responses is dropped.
    fn drop(&mut self) {
        let lost = ClientError::Lost(Cause::new(STOPPED));
        self.feeds.end_all(&FeedEnd::Failed(lost));
    }
}

#[cfg(test)]
mod tests;
