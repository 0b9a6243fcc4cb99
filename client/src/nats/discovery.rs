//! The services on NATS, as they describe themselves in the protocol for microservices.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::client_error::ClientError;
use crate::transport::TransportError;

use super::connection::{Connection, Nats};
use super::subject::micro_name;

/// One instance of a service on NATS: of callbox, or of anything else that uses the protocol for
/// microservices of NATS. Made by [`Nats::micro_instances`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct MicroInstance {
    /// Name of the service, which has no dots.
    pub name: String,
    /// Id of the instance.
    pub id: String,
    /// Version of the service.
    #[serde(default)]
    pub version: String,
    /// What the service says of itself besides.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: BTreeMap<String, String>,
}

/// What an instance says of the service. Made by [`Nats::micro_infos`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct MicroInfo {
    /// The instance that says it.
    #[serde(flatten)]
    pub instance: MicroInstance,
    /// Description of the service in words. Empty if there is none.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// The endpoints of the service.
    #[serde(default, deserialize_with = "or_default")]
    pub endpoints: Vec<MicroEndpoint>,
}

/// An endpoint of a service, which a callbox service has for each of its own methods.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct MicroEndpoint {
    /// Name of the endpoint. That of a method has no namespace.
    pub name: String,
    /// The subject that takes its calls.
    pub subject: String,
    /// What the service says of the endpoint besides.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: BTreeMap<String, String>,
}

/// The statistics of an instance. Made by [`Nats::micro_stats`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct MicroStats {
    /// The instance whose statistics these are.
    #[serde(flatten)]
    pub instance: MicroInstance,
    /// When the instance was started, as RFC 3339 writes it.
    #[serde(default)]
    pub started: String,
    /// The statistics of its endpoints.
    #[serde(default, deserialize_with = "or_default")]
    pub endpoints: Vec<MicroEndpointStats>,
}

/// The statistics of an endpoint since its instance was started.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct MicroEndpointStats {
    /// Name of the endpoint.
    pub name: String,
    /// The subject that takes its calls.
    #[serde(default)]
    pub subject: String,
    /// Number of its calls.
    #[serde(default)]
    pub num_requests: u64,
    /// Number of its calls that ended with an error.
    #[serde(default)]
    pub num_errors: u64,
    /// The last error in words. Empty if there was none, or the service does not say.
    #[serde(default, deserialize_with = "or_default")]
    pub last_error: String,
    /// Sum of the run times of its calls.
    #[serde(default, deserialize_with = "nanos")]
    pub processing_time: Duration,
    /// Mean run time of a call.
    #[serde(default, deserialize_with = "nanos")]
    pub average_processing_time: Duration,
    /// What the service says besides. For a method of callbox these are its
    /// [statistics](https://docs.rs/callbox/latest/callbox/stats/struct.MethodStats.html), with
    /// `nats`: whether the instance takes calls of the method now, and how long one would wait.
    #[serde(default)]
    pub data: Value,
}

impl MicroInstance {
    /// Returns the name of the callbox service, which may have dots; `None` if it is no service of
    /// callbox.
    pub fn callbox_service(&self) -> Option<&str> {
        self.metadata.get("callbox.service").map(String::as_str)
    }

    /// Returns the name by which the service is called: that of a callbox service may have dots.
    pub fn service(&self) -> &str {
        self.callbox_service().unwrap_or(&self.name)
    }
}

/// The services that are there, by the protocol for microservices of NATS. Nobody knows how many
/// instances there are, so each of these waits for all answers within `wait`: some 100 ms suffice
/// in a local network. `service` asks the instances of one service only, by its name.
///
/// The result is in the order of names and ids. It is empty, at once, if nobody is there.
impl Nats {
    /// Returns the instances of all services, or of one.
    ///
    /// ```no_run
    /// # async fn example(nats: callbox::client::Nats) -> Result<(), Box<dyn std::error::Error>> {
    /// for instance in nats.micro_instances(None, std::time::Duration::from_millis(300)).await? {
    ///     println!("{} {} {}", instance.name, instance.version, instance.id);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If there is no connection to NATS, or it is lost.
    pub async fn micro_instances(
        &self,
        service: Option<&str>,
        wait: Duration,
    ) -> Result<Vec<MicroInstance>, ClientError> {
        let mut found = self.parts().ask_all("PING", service, wait).await?;
        found.sort_by(MicroInstance::by_name);
        Ok(found)
    }

    /// Returns what the instances say of their services: their endpoints, and a description.
    ///
    /// # Errors
    /// If there is no connection to NATS, or it is lost.
    pub async fn micro_infos(&self, service: Option<&str>, wait: Duration) -> Result<Vec<MicroInfo>, ClientError> {
        let mut found: Vec<MicroInfo> = self.parts().ask_all("INFO", service, wait).await?;
        found.sort_by(|a, b| MicroInstance::by_name(&a.instance, &b.instance));
        Ok(found)
    }

    /// Returns the statistics of the instances.
    ///
    /// # Errors
    /// If there is no connection to NATS, or it is lost.
    pub async fn micro_stats(&self, service: Option<&str>, wait: Duration) -> Result<Vec<MicroStats>, ClientError> {
        let mut found: Vec<MicroStats> = self.parts().ask_all("STATS", service, wait).await?;
        found.sort_by(|a, b| MicroInstance::by_name(&a.instance, &b.instance));
        Ok(found)
    }
}

impl MicroInstance {
    fn by_name(&self, other: &Self) -> std::cmp::Ordering {
        (&self.name, &self.id).cmp(&(&other.name, &other.id))
    }
}

impl Connection {
    /// Asks all instances, and returns the answers that can be read.
    async fn ask_all<T: DeserializeOwned>(
        &self,
        question: &str,
        service: Option<&str>,
        wait: Duration,
    ) -> Result<Vec<T>, ClientError> {
        if !self.is_connected() {
            return Err(TransportError::never_sent("there is no connection to NATS").into());
        }
        let subject = match service {
            None => format!("$SRV.{question}"),
            Some(name) => format!("$SRV.{question}.{}", micro_name(name)),
        };
        let mut replies = self.inbox.stream();
        let asked = self.client.publish_with_reply(subject, replies.subject(), Vec::new().into()).await;
        asked.map_err(TransportError::never_sent)?;
        let (end, mut answers) = (Instant::now() + wait, Vec::new());
        while let Ok(reply) = timeout_at(end, replies.next()).await {
            let Some(reply) = reply else {
                return Err(TransportError::lost("the connection to NATS was lost").into());
            };
            // NATS itself says that nobody is there.
            if reply.message.status.is_some() {
                break;
            }
            match serde_json::from_slice(&reply.message.payload) {
                Ok(answer) => answers.push(answer),
                Err(error) => log_debug!(%error, "a service on NATS describes itself in another way"),
            }
        }
        Ok(answers)
    }
}

/// Reads a value for which some services write null.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn nanos<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_callbox_and_of_others_are_read() {
        let callbox = r#"{"name":"shop-market","id":"a1","version":"0.1.0","type":"io.nats.micro.v1.stats_response",
            "metadata":{"callbox.service":"shop.market"},"started":"2026-11-30T04:00:00Z","endpoints":[{"name":"add",
            "subject":"callbox.shop=2Emarket.add","queue_group":"q","num_requests":3,"num_errors":1,"last_error":"",
            "processing_time":3000,"average_processing_time":1000,"data":{"depth":2,"nats":{"in":true}}}]}"#;
        let stats: MicroStats = serde_json::from_str(callbox).unwrap();
        let add = &stats.endpoints[0];
        assert_eq!((add.num_requests, add.num_errors, &*add.last_error), (3, 1, ""));
        assert_eq!(add.average_processing_time, Duration::from_micros(1));
        assert_eq!((&add.data["depth"], &add.data["nats"]["in"]), (&2.into(), &true.into()));
        assert_eq!(stats.instance.callbox_service(), Some("shop.market"));
        assert_eq!(stats.instance.service(), "shop.market");

        let other = r#"{"name":"math","id":"b","version":"1.0.0","metadata":null,"endpoints":null,"description":null}"#;
        let info: MicroInfo = serde_json::from_str(other).unwrap();
        assert_eq!((info.endpoints.len(), &*info.description, info.instance.metadata.len()), (0, "", 0));
        assert_eq!((info.instance.service(), info.instance.callbox_service()), ("math", None));
    }
}
