//! The protocol by which services on NATS are found: ping, info and stats.

use std::rc::Rc;
use std::time::Duration;

use async_nats::{Message, SubscribeError, Subscriber};
use futures::StreamExt;
use futures::stream::select_all;
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use callbox_client::__engine::subject::micro_name;

use crate::engine::{MethodStats, ServiceStats};
use crate::service::ServiceInfo;
use crate::sync::Arc;

use super::front::Front;
use super::headers::may_receive;
use super::member::{Member, QUEUE_GROUP};

/// One service as others find it.
pub(super) struct DiscoveredService {
    pub(super) front: Rc<Front>,
    pub(super) about: ServiceInfo,
    pub(super) members: Vec<Rc<Member>>,
    pub(super) stats: Arc<dyn Fn() -> ServiceStats + Send + Sync>,
    pub(super) started: OffsetDateTime,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) enum Question {
    Ping,
    Info,
    Stats,
}

const QUESTIONS: [(Question, &str); 3] =
    [(Question::Ping, "PING"), (Question::Info, "INFO"), (Question::Stats, "STATS")];

/// A part of each answer.
#[derive(Serialize)]
struct Identity<'a> {
    name: String,
    id: &'a str,
    version: &'static str,
    metadata: Value,
}

#[derive(Serialize)]
struct EndpointInfo<'a> {
    name: &'static str,
    subject: &'a str,
    queue_group: &'static str,
    metadata: Value,
}

#[derive(Serialize)]
struct EndpointStats<'a> {
    name: &'static str,
    subject: &'a str,
    queue_group: &'static str,
    num_requests: u64,
    num_errors: u64,
    last_error: &'static str,
    processing_time: u64,
    average_processing_time: u64,
    data: Value,
}

impl DiscoveredService {
    /// Subscribes to the questions about all services, about this one, and about this instance.
    pub(super) async fn subscribe(&self) -> Result<Vec<(Question, Subscriber)>, SubscribeError> {
        let (name, id) = (micro_name(self.about.name), &self.front.instance);
        let mut questions = Vec::new();
        for (question, verb) in QUESTIONS {
            for subject in [format!("$SRV.{verb}"), format!("$SRV.{verb}.{name}"), format!("$SRV.{verb}.{name}.{id}")] {
                questions.push((question, self.front.connection.client.subscribe(subject).await?));
            }
        }
        Ok(questions)
    }

    /// Answers them.
    pub(super) async fn answer(&self, questions: Vec<(Question, Subscriber)>) {
        let each = questions.into_iter().map(|(question, asked)| asked.map(move |message| (question, message)));
        let mut questions = select_all(each);
        while let Some((question, Message { reply, .. })) = questions.next().await {
            let Some(reply) = reply.filter(|reply| may_receive(reply, &self.front.connection.prefix)) else { continue };
            let answer = match question {
                Question::Ping => self.with_identity("ping", json!({})),
                Question::Info => self.info(),
                Question::Stats => self.stats(),
            };
            let _ = self.front.connection.client.publish(reply, answer.to_string().into()).await;
        }
    }

    fn info(&self) -> Value {
        let endpoints: Vec<_> = self
            .listed()
            .map(|member| EndpointInfo {
                name: member.route.bare_name(),
                subject: &member.subject,
                queue_group: QUEUE_GROUP,
                metadata: json!({ "callbox.method": member.route.name() }),
            })
            .collect();
        self.with_identity("info", json!({ "description": self.about.doc.unwrap_or_default(), "endpoints": endpoints }))
    }

    fn stats(&self) -> Value {
        let stats = (self.stats)();
        let of_method = |member: &Rc<Member>| stats.methods.iter().find(|stats| stats.method == member.route.name());
        let endpoints: Vec<_> =
            self.listed().filter_map(|member| Some(endpoint_stats(member, of_method(member)?))).collect();
        let started = self.started.format(&Rfc3339).unwrap_or_default();
        self.with_identity("stats", json!({ "started": started, "endpoints": endpoints }))
    }

    /// Returns the methods of the service itself: those of callbox are no part of it.
    fn listed(&self) -> impl Iterator<Item = &Rc<Member>> {
        self.members.iter().filter(|member| !member.route.is_builtin())
    }

    fn with_identity(&self, kind: &str, answer: Value) -> Value {
        let identity = Identity {
            name: micro_name(self.about.name),
            id: &self.front.instance,
            version: self.about.version,
            metadata: json!({ "callbox.service": self.about.name, "callbox.version": env!("CARGO_PKG_VERSION") }),
        };
        // Both are objects, which always have a form in JSON.
        let mut all = serde_json::to_value(identity).unwrap_or_default();
        if let (Value::Object(all), Value::Object(answer)) = (&mut all, answer) {
            all.insert("type".to_owned(), format!("io.nats.micro.v1.{kind}_response").into());
            all.extend(answer);
        }
        all
    }
}

fn endpoint_stats<'a>(member: &'a Member, stats: &MethodStats) -> EndpointStats<'a> {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let errors = stats.failed + stats.panicked + stats.refused + stats.expired;
    let processing_time = nanos(stats.run.sum());
    let mut data = serde_json::to_value(stats).unwrap_or_default();
    if let (Value::Object(data), Some(state)) = (&mut data, member.state()) {
        data.insert("nats".to_owned(), json!(state));
    }
    EndpointStats {
        name: member.route.bare_name(),
        subject: &member.subject,
        queue_group: QUEUE_GROUP,
        num_requests: stats.inline + stats.queued + stats.refused,
        num_errors: errors,
        // Its text could have what a caller has sent, and everybody may ask for it.
        last_error: "",
        processing_time,
        average_processing_time: processing_time.checked_div(stats.run.count()).unwrap_or_default(),
        data,
    }
}
