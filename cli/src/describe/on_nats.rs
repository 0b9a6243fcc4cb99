//! The description of services on NATS.

use std::collections::BTreeMap;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use callbox::client::{MicroInfo, Nats, NatsAddress};
use callbox_cli::table::Table;
use serde_json::value::RawValue;

use super::{Arguments, DISCOVER, Description, document_of, list_methods};
use crate::exit::{Exit, Failure};
use crate::nats::MethodName;
use crate::server::failure;
use crate::terminal::sanitize;
use crate::{services, suggestion};

/// Time to wait for what the instances say of themselves.
const WAIT: Duration = Duration::from_millis(500);

/// What there is to print of services on NATS.
pub(super) enum Described {
    /// The document of one service of callbox, with names of methods as `callbox call` takes them.
    Callbox { raw: Box<RawValue>, description: Description },
    /// Everything else, as text.
    Text(String),
}

/// Describes one service, or lists all.
pub(super) async fn describe(
    arguments: &Arguments,
    address: &NatsAddress,
    colours: bool,
) -> Result<Described, Failure> {
    let nats = arguments.server.connect_nats(address).await?;
    let Some(name) = arguments.method.as_deref() else {
        return services::list(&nats, address, WAIT).await.map(Described::Text);
    };
    let infos = nats.micro_infos(None, WAIT).await.map_err(|error| failure(address, &error))?;
    let Some((info, method)) = find(&infos, name) else {
        let known = infos.iter().map(|info| info.instance.service().to_owned()).collect();
        let line = suggestion::unknown("service", name, &known, &format!("`callbox services {address}` lists them"));
        return Err(Failure::new(Exit::Refused, line));
    };
    if info.instance.callbox_service().is_none() {
        return Ok(Described::Text(endpoints(info, colours)));
    }
    let (raw, mut description) = fetch(arguments, &nats, address, info).await?;
    description.method = method.map(|method| format!("{}.{method}", info.instance.service()));
    Ok(Described::Callbox { raw, description })
}

/// Finds the service that the name is of, or the service and the method.
fn find<'a>(infos: &'a [MicroInfo], name: &str) -> Option<(&'a MicroInfo, Option<String>)> {
    let of = |service: &str| infos.iter().find(|info| info.instance.service() == service);
    if let Some(info) = of(name) {
        return Some((info, None));
    }
    let MethodName { service, method } = MethodName::parse(name).ok()?;
    Some((of(&service)?, Some(method)))
}

/// Asks an instance of callbox for its document, and keeps what is about the service: the others of
/// the same process are in it as well.
async fn fetch(
    arguments: &Arguments,
    nats: &Nats,
    address: &NatsAddress,
    info: &MicroInfo,
) -> Result<(Box<RawValue>, Description), Failure> {
    let service = info.instance.service();
    let client = arguments.server.with_settings(&nats.service(service))?;
    let raw = client.call::<Box<RawValue>>(DISCOVER, ()).await.map_err(|error| failure(address, &error))?;
    let mut document = document_of(address, &raw)?;
    service.clone_into(&mut document.info.title);
    document.info.description = Some(info.description.clone()).filter(|text| !text.is_empty());
    let listed = list_methods(&client).await;
    // Names on the command line have the service, and no namespace.
    let names: BTreeMap<_, _> = info
        .endpoints
        .iter()
        .filter_map(|endpoint| {
            let full = endpoint.metadata.get("callbox.method")?;
            Some((full.clone(), format!("{service}.{}", endpoint.name)))
        })
        .collect();
    document.methods.retain_mut(|method| match names.get(&method.name) {
        Some(name) => {
            method.name.clone_from(name);
            true
        }
        None => false,
    });
    let listed = listed.into_iter().filter_map(|(name, doc)| Some((names.get(&name)?.clone(), doc))).collect();
    Ok((raw, Description { document, listed, method: None }))
}

/// Returns the endpoints of a service that is none of callbox.
fn endpoints(info: &MicroInfo, colours: bool) -> String {
    let (head, plain) = (Style::new().bold(), Style::new());
    let mut table = Table::new(colours);
    table.row([("ENDPOINT", head), ("SUBJECT", head)]);
    for endpoint in &info.endpoints {
        let name = format!("{}.{}", info.instance.name, endpoint.name);
        table.row([(name, AnsiColor::Cyan.on_default()), (endpoint.subject.clone(), plain)]);
    }
    let bold = if colours { head } else { plain };
    let mut text = format!("{bold}{}{bold:#}  {}\n", sanitize(&info.instance.name), sanitize(&info.instance.version));
    if !info.description.is_empty() {
        text += &format!("{}\n", sanitize(&info.description));
    }
    format!("{text}\n{table}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_a_service_or_of_a_method() {
        let infos: Vec<MicroInfo> = ["orders", "shop.orders"]
            .map(|name| {
                let info = serde_json::json!({
                    "name": name.replace('.', "-"), "id": "1", "metadata": { "callbox.service": name }, "endpoints": [],
                });
                serde_json::from_value(info).unwrap()
            })
            .into();
        for (name, expected) in [
            ("orders", Some(("orders", None))),
            ("orders.get", Some(("orders", Some("get")))),
            ("shop.orders", Some(("shop.orders", None))),
            ("shop.orders.get", Some(("shop.orders", Some("get")))),
            ("shop", None),
            ("shop.get", None),
        ] {
            let found = find(&infos, name).map(|(info, method)| (info.instance.service(), method));
            assert_eq!(
                found,
                expected.map(|(name, method): (_, Option<&str>)| (name, method.map(str::to_owned))),
                "{name}"
            );
        }
    }
}
