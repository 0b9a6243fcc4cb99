//! Where the figures come from: a server, or the instances of all services on NATS.

use std::time::{Duration, Instant};

use callbox::client::{Client, ClientError, MicroEndpointStats, MicroStats, Nats};
use callbox_cli::mailboxes::{CONNECTIONS_METHOD, METHOD, Mailbox, ServiceMailboxes};

use super::model::Snapshot;

/// Maximum time to wait for the answers of the instances.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// What is asked for the mailboxes.
pub(super) enum Source {
    /// A server, by its own methods.
    Server(Client),
    /// All instances, by the protocol for microservices of NATS.
    Instances {
        nats: Nats,
        /// Time to wait for their answers.
        wait: Duration,
    },
}

impl Source {
    /// Makes a source for all instances, which is asked once in each interval.
    pub(super) fn instances(nats: Nats, interval: Duration) -> Self {
        Self::Instances { nats, wait: (interval / 2).min(MAX_WAIT) }
    }

    /// Asks for all mailboxes.
    pub(super) async fn snapshot(&self) -> Result<Snapshot, ClientError> {
        match self {
            Self::Server(client) => {
                let (services, connections) =
                    futures::join!(client.call(METHOD, ()), client.call(CONNECTIONS_METHOD, ()));
                // An older server does not have the second one.
                Ok(Snapshot { at: Instant::now(), services: services?, connections: connections.ok() })
            }
            Self::Instances { nats, wait } => {
                // The instances answer at once. The rest of the time is for those that are slow.
                let at = Instant::now();
                let stats = nats.micro_stats(None, *wait).await?;
                Ok(Snapshot { at, services: stats.iter().filter_map(mailboxes).collect(), connections: None })
            }
        }
    }
}

/// Returns the mailboxes of an instance; `None` if it is none of callbox.
fn mailboxes(stats: &MicroStats) -> Option<ServiceMailboxes> {
    let service = stats.instance.callbox_service()?;
    let mailbox = |endpoint: &MicroEndpointStats| {
        let mut mailbox: Mailbox = serde_json::from_value(endpoint.data.clone()).ok()?;
        // As `callbox call` takes it.
        mailbox.method = format!("{service}.{}", endpoint.name);
        mailbox.is_in_group = endpoint.data["nats"]["in"].as_bool();
        Some(mailbox)
    };
    Some(ServiceMailboxes {
        service: service.to_owned(),
        instance: Some(stats.instance.id.clone()),
        // Those that are down do not answer, and nobody counts their restarts.
        is_up: true,
        restarts: 0,
        methods: stats.endpoints.iter().filter_map(mailbox).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::model::tests::mailbox;
    use super::*;

    #[test]
    fn only_instances_of_callbox_have_mailboxes() {
        let mut data = mailbox("market.add", 3, 7, 0, &[]);
        data["nats"] = json!({ "in": false, "usual_us": 1.0, "wait_us": 9.0 });
        let endpoints = json!([{ "name": "add", "data": data }, { "name": "odd", "data": null }]);
        let of = |metadata: serde_json::Value| {
            let stats = json!({ "name": "shop-market", "id": "a1", "metadata": metadata, "endpoints": endpoints });
            mailboxes(&serde_json::from_value(stats).unwrap())
        };
        assert!(of(json!(null)).is_none());
        let found = of(json!({ "callbox.service": "shop.market" })).unwrap();
        assert_eq!((&*found.service, found.instance.as_deref()), ("shop.market", Some("a1")));
        let [add] = &found.methods[..] else { panic!("{found:?}") };
        assert_eq!((&*add.method, add.depth, add.is_in_group), ("shop.market.add", 3, Some(false)));
    }
}
