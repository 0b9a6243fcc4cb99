//! The services of a server on NATS, from the first call to the last.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_nats::SubscribeError;
use futures::future::join_all;
use time::OffsetDateTime;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{sleep, timeout};

use callbox_client::__engine::subject::{method_subject, service_subject};
use callbox_client::__engine::{NatsConnection, unique_id};

use crate::dispatch::{Dispatch, RequestLogging};
use crate::engine::ServiceStats;
use crate::measure::NatsCounters;
use crate::route::Route;
use crate::service::ServiceInfo;
use crate::sync::Arc;

use super::control::obey;
use super::discovery::DiscoveredService;
use super::front::{Front, FrontParts};
use super::group::Group;
use super::load::ServiceMembers;
use super::member::Member;
use super::pauses;

/// Maximum time to leave all groups, and then again for the last replies to be sent.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for the server to take the subscriptions at the start.
const JOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Time until a refusal that has arrived is noted.
const REFUSAL_TIME: Duration = Duration::from_millis(20);

/// What a server brings to NATS.
pub(crate) struct ServingParts {
    pub(crate) connection: Arc<NatsConnection>,
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) services: Vec<NatsService>,
    /// The methods of callbox itself, which each service has.
    pub(crate) builtins: Vec<Arc<dyn Route>>,
    pub(crate) token_header: String,
    pub(crate) logging: RequestLogging,
    pub(crate) counters: Arc<NatsCounters>,
    /// Maximum size of the parameters of a call, in bytes.
    pub(crate) body_limit: usize,
    /// Becomes true when the server drains.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// A service of the server.
pub(crate) struct NatsService {
    pub(crate) about: ServiceInfo,
    pub(crate) routes: Vec<Arc<dyn Route>>,
    pub(crate) stats: Arc<dyn Fn() -> ServiceStats + Send + Sync>,
}

/// The services of a server that take calls over NATS.
#[derive(Debug)]
pub(crate) struct NatsServing {
    leaving: watch::Sender<bool>,
    left: watch::Receiver<bool>,
    /// Asks for the end once all calls have ended.
    ending: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl NatsServing {
    /// Joins the groups of all methods. Returns once calls arrive.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub(crate) async fn begin(parts: ServingParts) -> Result<Self, String> {
        let (leaving, leaves) = watch::channel(false);
        let (leave_done, left) = watch::channel(false);
        let (ending, ends) = watch::channel(false);
        let (end_done, ended) = watch::channel(false);
        let (began, beginning) = oneshot::channel();
        let connection = Arc::clone(&parts.connection);
        let thread = connection.thread.clone();
        thread.spawn(move || async move {
            match Groups::join(parts, leaves).await {
                Ok(groups) => {
                    // After an error nobody asks to stay, so all groups are left at once.
                    _ = began.send(confirm(&groups.front.connection).await);
                    groups.serve(&leave_done, ends).await;
                    end_done.send_replace(true);
                }
                Err(error) => _ = began.send(Err(error.to_string())),
            }
        });
        let gone = |_| "its thread has ended".to_owned();
        beginning.await.map_err(gone)??;
        Ok(Self { leaving, left, ending, ended })
    }

    /// Leaves all groups, and takes the calls that are on their way. Other instances get the
    /// further ones.
    pub(crate) async fn leave(&self) {
        self.leaving.send_replace(true);
        wait_for(self.left.clone()).await;
    }

    /// Waits until all replies were sent.
    pub(crate) async fn end(&self) {
        self.leave().await;
        self.ending.send_replace(true);
        wait_for(self.ended.clone()).await;
    }
}

/// Waits until NATS has taken all subscriptions.
///
/// # Errors
/// If it refuses one of them, or says nothing.
async fn confirm(connection: &NatsConnection) -> Result<(), String> {
    let has_answered = connection.fence(JOIN_TIMEOUT).await;
    // A refusal comes before the answer, and a task of its own takes note of it.
    sleep(REFUSAL_TIME).await;
    match connection.refused_subscription() {
        Some(refusal) => Err(refusal.to_owned()),
        None if has_answered => Ok(()),
        None => Err("it did not confirm the subscriptions in time".to_owned()),
    }
}

async fn wait_for(mut done: watch::Receiver<bool>) {
    // An error means that there is nothing left that could do it.
    if timeout(LEAVE_TIMEOUT, done.wait_for(|done| *done)).await.is_err() {
        log_error!("the services could not leave NATS in time");
    }
}

/// The groups that this process is in.
struct Groups {
    front: Rc<Front>,
    /// The tasks that take calls. They end when the groups are left.
    taking: Vec<tokio::task::JoinHandle<()>>,
    /// All other tasks. Each has a part of the connection, so they must end before it can.
    others: JoinSet<()>,
    leaves: watch::Receiver<bool>,
}

impl Groups {
    async fn join(parts: ServingParts, leaves: watch::Receiver<bool>) -> Result<Self, SubscribeError> {
        let ServingParts {
            connection,
            dispatch,
            services,
            builtins,
            token_header,
            logging,
            counters,
            body_limit,
            stopping,
        } = parts;
        let instance = unique_id();
        let front = Front::new(FrontParts {
            connection,
            dispatch,
            token_header,
            logging,
            stopping,
            counters,
            instance,
            body_limit,
        });
        let mut groups = Self { front: Rc::clone(&front), taking: Vec::new(), others: JoinSet::new(), leaves };
        let own = front.connection.client.subscribe(front.instance_subject.clone()).await?;
        groups.others.spawn_local(obey(Rc::clone(&front), own));
        groups.others.spawn_local(pauses::watch(Rc::clone(&front)));
        for service in services {
            groups.join_service(service, &builtins).await?;
        }
        Ok(groups)
    }

    async fn join_service(&mut self, service: NatsService, builtins: &[Arc<dyn Route>]) -> Result<(), SubscribeError> {
        let (front, client) = (&self.front, &self.front.connection.client);
        let (prefix, name) = (&front.connection.prefix, service.about.name);
        let changed = Rc::new(Notify::new());
        let mut members = Vec::new();
        for route in service.routes.iter().chain(builtins) {
            // A method of callbox itself has no mailbox, and so no load.
            let group = (!route.is_builtin()).then(|| RefCell::new(Group::new(&front.instance)));
            let subject = method_subject(prefix, name, route.bare_name());
            let (front, route, changed) = (Rc::clone(front), Arc::clone(route), Rc::clone(&changed));
            members.push(Rc::new(Member { front, route, subject, group, changed }));
        }
        let cancels = client.subscribe(service_subject(prefix, "cancel", name)).await?;
        self.others.spawn_local(obey(Rc::clone(front), cancels));
        let discovered = DiscoveredService {
            front: Rc::clone(front),
            about: service.about,
            members: members.clone(),
            stats: service.stats,
            started: OffsetDateTime::now_utc(),
        };
        let questions = discovered.subscribe().await?;
        let subject = service_subject(prefix, "load", name);
        let heard = client.subscribe(subject.clone()).await?;
        for member in &members {
            let calls = member.join().await?;
            self.taking.push(spawn_local(Rc::clone(member).serve(calls, self.leaves.clone())));
        }
        self.others.spawn_local(async move { discovered.answer(questions).await });
        members.retain(|member| member.group.is_some());
        let service = Rc::new(ServiceMembers {
            front: Rc::clone(front),
            service: name,
            subject,
            members,
            changed,
            heard: RefCell::default(),
        });
        let listens = Rc::clone(&service);
        self.others.spawn_local(async move { listens.listen(heard).await });
        let mut leaves = self.leaves.clone();
        self.others.spawn_local(async move {
            tokio::select! {
                () = service.speak() => {}
                _ = leaves.wait_for(|leaves| *leaves) => service.say_goodbye().await,
            }
        });
        Ok(())
    }

    /// Takes calls until they are to be left, and returns when all have their replies.
    async fn serve(self, left: &watch::Sender<bool>, mut ends: watch::Receiver<bool>) {
        join_all(self.taking).await;
        left.send_replace(true);
        // An error means that the server is gone.
        let _ = ends.wait_for(|ends| *ends).await;
        self.front.all_ended().await;
        // What was sent comes back after everything before it.
        self.front.connection.fence(LEAVE_TIMEOUT).await;
    }
}
