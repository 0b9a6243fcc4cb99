//! The OpenRPC document of a server: made once from its routes, then filtered for each caller.

mod errors;
mod method;
mod schemas;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::auth::Caller;
use crate::route::Route;
use crate::service::{Access, SchemaGenerators, ServiceInfo, admits};
use crate::sync::Arc;

use errors::FrameworkError;
use method::MethodObject;
use schemas::{Definitions, SCHEMAS};

/// The whole document, from which each caller gets a part.
pub(super) struct OpenRpc {
    about: ServerInfo,
    services: Vec<ServiceInfo>,
    methods: Vec<ListedMethod>,
    definitions: Definitions,
    errors: BTreeMap<&'static str, FrameworkError>,
    /// The document for callers who may call public methods only: most callers, and all without a
    /// token. Serialized once.
    public: Option<Box<RawValue>>,
}

/// What the document says of the server as a whole.
#[derive(Debug)]
pub(crate) struct ServerInfo {
    pub(crate) title: String,
    /// URL of the endpoint for clients, if the server knows it.
    pub(crate) url: Option<String>,
}

/// A method, who may know about it, and the schemas that it needs.
struct ListedMethod {
    access: Access,
    method: MethodObject,
    needs: BTreeSet<String>,
}

/// The document for one caller.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum OpenRpcDocument<'a> {
    Prepared(&'a RawValue),
    Filtered(FilteredDocument<'a>),
}

#[derive(Serialize)]
pub(super) struct FilteredDocument<'a> {
    openrpc: &'static str,
    info: InfoObject<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<[ServerObject<'a>; 1]>,
    methods: Vec<&'a MethodObject>,
    components: ComponentsObject<'a>,
    #[serde(rename = "x-services")]
    services: Vec<ServiceObject>,
}

/// OpenRPC's info object.
#[derive(Serialize)]
struct InfoObject<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    version: &'static str,
}

#[derive(Serialize)]
struct ServerObject<'a> {
    name: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct ServiceObject {
    /// Name of the service, which is the tag of its methods.
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    version: &'static str,
}

#[derive(Serialize)]
struct ComponentsObject<'a> {
    schemas: BTreeMap<&'a str, &'a Value>,
    errors: &'a BTreeMap<&'static str, FrameworkError>,
}

impl OpenRpc {
    /// Creates the document of these routes and services.
    pub(super) fn new<'a>(
        about: ServerInfo,
        services: Vec<ServiceInfo>,
        routes: impl Iterator<Item = &'a Arc<dyn Route>>,
    ) -> Self {
        let mut generators = SchemaGenerators::new(SCHEMAS);
        let described: Vec<_> =
            routes.map(|route| (route.options().access, MethodObject::new(&**route, &mut generators))).collect();
        let (definitions, renamed) = Definitions::of(generators);
        let methods = described.into_iter().map(|(access, mut method)| {
            method.rename_sent(&renamed);
            let needs = definitions.needed_by(method.schemas());
            ListedMethod { access, method, needs }
        });
        let methods = methods.collect();
        let mut document =
            Self { about, services, methods, definitions, errors: errors::all().into_iter().collect(), public: None };
        document.public = to_raw_value(&document.filtered(&Caller::anonymous())).ok();
        document
    }

    /// Returns what this caller may know.
    pub(super) fn document(&self, caller: &Caller) -> OpenRpcDocument<'_> {
        let more = self.methods.iter().any(|listed| listed.access != Access::Public && admits(listed.access, caller));
        match &self.public {
            Some(public) if !more => OpenRpcDocument::Prepared(public),
            _ => OpenRpcDocument::Filtered(self.filtered(caller)),
        }
    }

    fn filtered(&self, caller: &Caller) -> FilteredDocument<'_> {
        let listed: Vec<_> = self.methods.iter().filter(|listed| admits(listed.access, caller)).collect();
        let needed: BTreeSet<_> = listed.iter().flat_map(|listed| &listed.needs).collect();
        FilteredDocument {
            openrpc: "1.3.2",
            info: InfoObject::of(&self.about, &self.services),
            servers: self.about.url.as_ref().map(|url| [ServerObject { name: &self.about.title, url }]),
            methods: listed.into_iter().map(|listed| &listed.method).collect(),
            components: ComponentsObject { schemas: self.definitions.pick(needed), errors: &self.errors },
            services: self.services.iter().map(ServiceObject::of).collect(),
        }
    }
}

impl<'a> InfoObject<'a> {
    /// The version is that of the first service, as OpenRPC requires one. The description of one of
    /// several services would not be that of the server.
    fn of(about: &'a ServerInfo, services: &[ServiceInfo]) -> Self {
        let alone = if let [alone] = services { alone.doc } else { None };
        let version = services.first().map_or("0.0.0", |first| first.version);
        Self { title: &about.title, description: alone, version }
    }
}

impl ServiceObject {
    fn of(about: &ServiceInfo) -> Self {
        Self { name: about.name, description: about.doc, version: about.version }
    }
}
