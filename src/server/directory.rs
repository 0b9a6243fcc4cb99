//! The services that those of a server can call: each other, and others elsewhere.

use std::any::TypeId;
use std::collections::{BTreeSet, HashSet};

use callbox_client::__engine::GivenClient;

use crate::metrics::Metrics;
use crate::router::Router;
use crate::service::Directory;
use crate::settings::Settings;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::erased_service::ErasedService;
use super::nats::NatsMount;
use super::remotes;

/// Lists the services, and checks that those are there which methods need.
///
/// # Errors
/// If two services have the same name, or if a method needs a service that is not there.
pub(super) fn directory(
    services: &[Arc<ErasedService>],
    clients: Vec<(TypeId, GivenClient)>,
    router: &Router,
    settings: &Settings,
    metrics: Metrics,
    nats: Option<&NatsMount>,
) -> Result<Directory> {
    let (mut directory, mut names) = (Directory::default(), HashSet::new());
    directory.add_value(metrics);
    clients.into_iter().for_each(|(client, given)| directory.add_client(client, given));
    for service in services {
        let name = service.name();
        if !names.insert(name) {
            let fix = "give each a name of its own, #[service(name = \"…\")]: services know each other by name";
            return Err(StartError::new(format_args!("two services are called `{name}`"), fix));
        }
        service.list(&mut directory);
    }
    remotes::add(&mut directory, &names, settings)?;
    if let Some(nats) = nats {
        if let Some(name) = names.iter().find(|name| name.starts_with('_')) {
            let fix = "rename it with #[service(name = \"…\")]: names that begin with `_` are callbox's own there";
            return Err(StartError::new(format_args!("the service `{name}` cannot be on NATS"), fix));
        }
        nats.list(&mut directory, settings)?;
    }
    if settings.service_token.is_none() {
        let needs = router.routes().flat_map(|route| &route.options().needs.services);
        let names: BTreeSet<_> =
            needs.filter(|need| need.needs_token && directory.is_elsewhere(**need)).map(|need| need.name).collect();
        for name in names {
            log_warn!(
                "the service `{name}` is called over NATS without a token, and some of its methods need one: name the \
                 file of a token with --service-token"
            );
        }
    }
    for route in router.routes() {
        if let Some(need) = route.options().needs.services.iter().find(|need| !directory.has(**need)) {
            let (method, name) = (route.name(), need.name);
            let what = format_args!("the method {method} calls the service `{name}`, which this server does not have");
            let fix = format_args!(
                "add it with .service(…), or say where it is with --remote {name}=URL, or with --nats URL"
            )
            .to_string();
            return Err(StartError::new(what, fix));
        }
    }
    Ok(directory)
}
