//! What the instances of a service say of their load to each other.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use async_nats::Subscriber;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::measure::{MemberLoad, SILENCE};

use super::front::Front;
use super::group::MemberState;
use super::member::Member;

/// Time after which an instance says how it is, if nothing has changed.
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of instances of a service that are known: whoever may write to the subject could
/// make up any number.
const MAX_INSTANCES: usize = 1024;

/// Maximum length of the id of an instance, in bytes. Those of callbox have 32.
const MAX_ID: usize = 64;

/// What an instance says of all methods of a service. Without methods, it has stopped.
#[derive(Debug, Serialize, Deserialize)]
struct LoadMessage {
    id: String,
    methods: BTreeMap<String, MemberState>,
}

/// The members of the groups of one service.
pub(super) struct ServiceMembers {
    pub(super) front: Rc<Front>,
    /// The name of the service.
    pub(super) service: &'static str,
    /// The subject of what is said.
    pub(super) subject: String,
    /// Those whose load decides.
    pub(super) members: Vec<Rc<Member>>,
    /// Is notified when one of them has left or joined.
    pub(super) changed: Rc<Notify>,
    /// The instances that say something, and when they last did.
    pub(super) heard: RefCell<HashMap<String, Instant>>,
}

impl ServiceMembers {
    /// Says how this instance is: each second, and at each change.
    pub(super) async fn speak(&self) {
        loop {
            self.say(self.members.iter().filter_map(|member| Some((member.route.bare_name(), member.state()?)))).await;
            // The time is over, or there was a change.
            let _ = timeout(INTERVAL, self.changed.notified()).await;
        }
    }

    /// Says that this instance takes no calls any more. It goes on with it for a moment, in which
    /// others join that have left the group in favour of this one.
    pub(super) async fn say_goodbye(&self) {
        self.say(std::iter::empty()).await;
    }

    async fn say(&self, methods: impl Iterator<Item = (&'static str, MemberState)>) {
        let methods = methods.map(|(name, state)| (name.to_owned(), state)).collect();
        let message = LoadMessage { id: self.front.instance.clone(), methods };
        if let Ok(message) = serde_json::to_vec(&message) {
            // An error means that the connection is about to end.
            let _ = self.front.connection.client.publish(self.subject.clone(), message.into()).await;
        }
    }

    /// Keeps what an instance says for those who watch.
    fn count(&self, id: &str, methods: &BTreeMap<String, MemberState>) {
        let counters = &self.front.counters;
        if methods.is_empty() {
            return counters.forget_instance(self.service, id);
        }
        // Another version may have other methods, and a message of somebody else any number.
        let load = |member: &Rc<Member>| {
            let method = member.route.bare_name();
            let MemberState { is_in, usual_us, wait_us } = *methods.get(method)?;
            Some(MemberLoad { method, is_in, usual_us, wait_us })
        };
        let is_own = id == self.front.instance;
        counters.note_instance(self.service, id, is_own, self.members.iter().filter_map(load).collect());
    }

    /// Notes that an instance has said something. Returns whether it is new, or nothing if there
    /// are as many as can be.
    fn note(&self, id: &str, has_stopped: bool, now: Instant) -> Option<bool> {
        let mut heard = self.heard.borrow_mut();
        if has_stopped {
            heard.remove(id);
            return Some(false);
        }
        if heard.len() >= MAX_INSTANCES {
            heard.retain(|_, at| now.duration_since(*at) < SILENCE);
        }
        if heard.len() >= MAX_INSTANCES && !heard.contains_key(id) {
            log_throttled!(WARN, service = self.service, MAX_INSTANCES, "further instances on NATS are ignored");
            return None;
        }
        Some(heard.insert(id.to_owned(), now).is_none())
    }

    /// Listens to the others.
    pub(super) async fn listen(&self, mut heard: Subscriber) {
        while let Some(message) = heard.next().await {
            // Another program may use the subject.
            let Ok(LoadMessage { id, methods }) = serde_json::from_slice(&message.payload) else { continue };
            if id.len() > MAX_ID {
                continue;
            }
            let now = Instant::now();
            let Some(is_new) = self.note(&id, methods.is_empty(), now) else { continue };
            self.count(&id, &methods);
            // It knows nobody yet.
            if is_new && id != self.front.instance {
                self.changed.notify_one();
            }
            for group in
                self.members.iter().filter_map(|member| Some((member.route.bare_name(), member.group.as_ref()?)))
            {
                let (name, mut group) = (group.0, group.1.borrow_mut());
                match methods.get(name) {
                    Some(state) => group.hear(&id, *state, now),
                    None => group.forget(&id),
                }
            }
        }
    }
}
