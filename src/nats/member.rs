//! The membership of this instance in the group of one method.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_nats::{SubscribeError, Subscriber};
use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::route::Route;
use crate::sync::Arc;

use super::call::take;
use super::front::Front;
use super::group::{Change, Group, MemberState};

/// The name of the groups: NATS gives a call to one member of all with this name.
pub(super) const QUEUE_GROUP: &str = "q";

/// Maximum time to wait for what is on its way when a group is left.
const FENCE_TIMEOUT: Duration = Duration::from_secs(2);

/// Time between the last word to the others and the end of the membership.
const GOODBYE: Duration = Duration::from_millis(20);

/// Time between two looks at the load, for an instance that has left.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// The number of messages after which a subscription ends by itself, as one that NATS servers do
/// not take for a number and the client does: see [`Member::leave`].
const NEVER: u64 = u64::MAX;

/// One method of this instance, and the group of its calls.
pub(super) struct Member {
    pub(super) front: Rc<Front>,
    pub(super) route: Arc<dyn Route>,
    pub(super) subject: String,
    /// What is known of the others, if the load decides.
    pub(super) group: Option<RefCell<Group>>,
    /// Is notified when the membership has changed, so that the others hear of it.
    pub(super) changed: Rc<tokio::sync::Notify>,
}

impl Member {
    /// Joins the group.
    ///
    /// # Errors
    /// If the connection has ended.
    pub(super) async fn join(&self) -> Result<Subscriber, SubscribeError> {
        let group = QUEUE_GROUP.to_owned();
        let calls = self.front.connection.client.queue_subscribe(self.subject.clone(), group).await?;
        self.note_membership(true);
        Ok(calls)
    }

    /// Takes calls until `leaving` becomes true, and then those that are on their way.
    pub(super) async fn serve(self: Rc<Self>, mut calls: Subscriber, mut leaving: watch::Receiver<bool>) {
        loop {
            let is_over = self.take_calls(&mut calls, &mut leaving).await;
            self.leave(calls).await;
            if is_over {
                return;
            }
            self.note_membership(false);
            self.changed.notify_one();
            tokio::select! {
                () = self.until_it_joins() => {}
                _ = leaving.changed() => return,
            }
            let Ok(joined) = self.join().await else { return };
            calls = joined;
            self.changed.notify_one();
        }
    }

    fn note_membership(&self, is_in: bool) {
        if let Some(service) = self.route.service() {
            self.front.counters.note_membership(service, self.route.name(), is_in);
        }
    }

    /// Returns what this instance says of the method to the others.
    pub(super) fn state(&self) -> Option<MemberState> {
        Some(self.group.as_ref()?.borrow().state(self.route.load()?))
    }

    /// Takes calls until the load is too high, or `leaving` becomes true: then it returns true.
    async fn take_calls(&self, calls: &mut Subscriber, leaving: &mut watch::Receiver<bool>) -> bool {
        loop {
            tokio::select! {
                call = calls.next() => {
                    let Some(call) = call else { return true };
                    take(&self.front, &self.route, call);
                    if self.decide() == Some(Change::Leave) {
                        return false;
                    }
                }
                // An error means that the server is gone.
                _ = leaving.changed() => {
                    self.stay_a_moment(calls).await;
                    return true;
                }
            }
        }
    }

    /// Takes calls for as long as it takes others to hear that this instance is about to leave, and
    /// to join.
    async fn stay_a_moment(&self, calls: &mut Subscriber) {
        let moment = sleep(GOODBYE);
        let mut moment = std::pin::pin!(moment);
        loop {
            tokio::select! {
                call = calls.next() => match call {
                    Some(call) => take(&self.front, &self.route, call),
                    None => return,
                },
                () = &mut moment => return,
            }
        }
    }

    /// Leaves the group without losing a call.
    ///
    /// The client of NATS forgets a subscription as soon as it asks the server to end it, and so
    /// drops what is on its way. Only one that ends after so many messages it keeps until then. A
    /// server reads a number of more than nine digits as none at all, and ends the subscription at
    /// once. So both do what is wanted; a test holds it for each version of the server.
    async fn leave(&self, mut calls: Subscriber) {
        if calls.unsubscribe_after(NEVER).await.is_err() {
            return;
        }
        let fence = self.front.connection.fence(FENCE_TIMEOUT);
        let mut fence = std::pin::pin!(fence);
        loop {
            tokio::select! {
                biased;
                call = calls.next() => match call {
                    Some(call) => take(&self.front, &self.route, call),
                    None => return,
                },
                _ = &mut fence => break,
            }
        }
        if calls.unsubscribe().await.is_ok() {
            while let Some(call) = calls.next().await {
                take(&self.front, &self.route, call);
            }
        }
    }

    async fn until_it_joins(&self) {
        while self.decide() != Some(Change::Join) {
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Returns what the load asks for.
    fn decide(&self) -> Option<Change> {
        let load = self.route.load()?;
        let change = self.group.as_ref()?.borrow_mut().decide(load, Instant::now())?;
        log_debug!(method = self.route.name(), ?change, wait = ?load.wait, usual = ?load.usual, "load over NATS");
        Some(change)
    }
}
