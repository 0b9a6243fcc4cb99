//! The method that is called, at a server or on NATS, and the way to it.

use std::collections::BTreeSet;
use std::time::Duration;

use callbox::client::{Client, ClientError, ConnectionEvent, MicroInfo, Nats};
use futures::channel::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::Arguments;
use crate::address::Address;
use crate::exit::{Exit, Failure};
use crate::nats::MethodName;
use crate::server;
use crate::{describe, suggestion};

/// Time to wait for what the instances of a service say of themselves, after a call has failed.
const INFO_TIMEOUT: Duration = Duration::from_millis(300);

/// The code of the error of a service that is not there.
const UNAVAILABLE: i32 = -32003;

/// What happens to the connection.
#[derive(Debug)]
pub(super) enum LinkEvent {
    /// It is lost, for this reason, and is opened again.
    Lost(String),
    /// It is open again.
    Reopened,
}

/// A method, and a client to call it with.
pub(super) struct Callee {
    pub(super) client: Client,
    /// The name that is sent.
    pub(super) method: String,
    /// The way to further services, if this one is on NATS.
    on_nats: Option<OnNats>,
}

struct OnNats {
    nats: Nats,
    name: MethodName,
    /// Whether the service is none of callbox, and is called by its endpoints.
    is_foreign: bool,
}

impl Callee {
    /// Connects. `events` receives what happens to a connection over a WebSocket, or to NATS.
    pub(super) async fn open(arguments: &Arguments, events: UnboundedSender<LinkEvent>) -> Result<Self, Failure> {
        let server = &arguments.server;
        match &server.url {
            Address::Web(url) => {
                let builder = server.builder(url)?.on_connection(move |event| {
                    let event = match event {
                        ConnectionEvent::Lost(cause) => LinkEvent::Lost(cause.to_string()),
                        ConnectionEvent::Reopened => LinkEvent::Reopened,
                        _ => return,
                    };
                    // Nobody listens at the end of the command.
                    let _ = events.unbounded_send(event);
                });
                let client = server::connect(url, builder).await?;
                Ok(Self { client, method: arguments.method.clone(), on_nats: None })
            }
            Address::Nats(address) => {
                let name = MethodName::parse(&arguments.method)?;
                let nats = server.connect_nats(address).await?;
                let client = server.with_settings(&nats.service(&name.service))?;
                tokio::spawn(watch_link(nats.parts().connected(), events));
                let method = name.method.clone();
                Ok(Self { client, method, on_nats: Some(OnNats { nats, name, is_foreign: false }) })
            }
        }
    }

    /// Turns to the endpoint of a service that is none of callbox, if this error says that there is
    /// no such service of callbox. Returns whether the call is worth a second attempt.
    pub(super) async fn turn_to_foreign(&mut self, arguments: &Arguments, error: &ClientError) -> bool {
        let Some(OnNats { nats, name, is_foreign: is_foreign @ false }) = &mut self.on_nats else { return false };
        if !is_unavailable(error) {
            return false;
        }
        let infos = nats.micro_infos(Some(&name.service), INFO_TIMEOUT).await.unwrap_or_default();
        let has_method = infos.iter().any(|info| {
            info.instance.callbox_service().is_none()
                && info.endpoints.iter().any(|endpoint| endpoint.name == name.method)
        });
        let client = arguments.server.with_settings(&nats.micro_service(&name.service));
        match client {
            Ok(client) if has_method => {
                self.client = client;
                *is_foreign = true;
                true
            }
            _ => false,
        }
    }

    /// Returns the failure for an error that may come from a mistyped name, if the name is the
    /// cause.
    pub(super) async fn unknown(&self, arguments: &Arguments, error: &ClientError) -> Option<Failure> {
        let method = &arguments.method;
        let unknown = |known: &BTreeSet<String>| Failure::new(Exit::Method, suggestion::unknown_method(method, known));
        if let Some(OnNats { nats, name, .. }) = &self.on_nats {
            if !is_unavailable(error) && !is_unknown(error) {
                return None;
            }
            let infos = nats.micro_infos(Some(&name.service), INFO_TIMEOUT).await.ok()?;
            let of_service: Vec<_> = infos.iter().filter(|info| info.instance.service() == name.service).collect();
            if of_service.is_empty() {
                let (service, url) = (&name.service, &arguments.server.url);
                let line = format!(
                    "no instance of the service {service} is at {url}: `callbox services {url}` lists those that are"
                );
                return Some(Failure::new(Exit::Refused, line));
            }
            let endpoints = of_service.iter().flat_map(|info| &info.endpoints);
            let known: BTreeSet<_> = endpoints.map(|endpoint| format!("{}.{}", name.service, endpoint.name)).collect();
            if !name.is_builtin() && !known.contains(method) {
                return Some(unknown(&known));
            }
            let (own, others) = (&nats.parts().prefix, prefixes(&of_service));
            return (!others.is_empty() && !others.contains(own.as_str())).then(|| {
                let others: Vec<_> = others.into_iter().collect();
                let line = format!("{method} is not at the prefix {own}: pass --nats-prefix {}", others.join(" or "));
                Failure::new(Exit::Refused, line)
            });
        }
        if !is_unknown(error) {
            return None;
        }
        let known = describe::method_names(&self.client).await;
        (!known.contains(method)).then(|| unknown(&known))
    }

    /// Closes the connection, and waits shortly until everything was sent.
    pub(super) async fn close(self) {
        self.client.close().await;
    }
}

/// Reports each loss of the connection to NATS, and its end.
async fn watch_link(mut connected: watch::Receiver<bool>, events: UnboundedSender<LinkEvent>) {
    let mut is_lost = false;
    // An error means that the connection is closed.
    while connected.changed().await.is_ok() {
        let is_connected = *connected.borrow_and_update();
        let event = match (is_connected, is_lost) {
            (false, _) => LinkEvent::Lost("the connection to NATS is lost".to_owned()),
            (true, true) => LinkEvent::Reopened,
            // The first connection may be noticed late.
            (true, false) => continue,
        };
        is_lost = !is_connected;
        // Nobody listens at the end of the command.
        let _ = events.unbounded_send(event);
    }
}

/// Returns the prefixes of the subjects of all methods of a callbox service.
fn prefixes<'a>(infos: &[&'a MicroInfo]) -> BTreeSet<&'a str> {
    let endpoints = infos.iter().flat_map(|info| &info.endpoints);
    // The names of the service and of the method are one token each.
    endpoints.filter_map(|endpoint| Some(endpoint.subject.rsplit_once('.')?.0.rsplit_once('.')?.0)).collect()
}

fn is_unavailable(error: &ClientError) -> bool {
    matches!(error, ClientError::Rejected(error) if error.code() == UNAVAILABLE)
}

fn is_unknown(error: &ClientError) -> bool {
    matches!(error, ClientError::Server(error) if error.code() == -32601)
}
