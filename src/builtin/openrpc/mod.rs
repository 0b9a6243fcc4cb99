//! The OpenRPC document of a server: made once from its routes, and then told in part, as a caller may know of them.

mod errors;
mod method;
mod schemas;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::auth::Caller;
use crate::route::Route;
use crate::service::{About, Access, Generators};
use crate::sync::Arc;

use errors::FrameworkError;
use method::Method;
use schemas::{Definitions, SCHEMAS};

/// Everything that there is to tell.
pub(super) struct OpenRpc {
    services: Vec<About>,
    methods: Vec<Told>,
    definitions: Definitions,
    errors: BTreeMap<&'static str, FrameworkError>,
    /// The document for those who may call public methods and no others: most callers, and all without a token.
    public: Option<Box<RawValue>>,
}

/// A method, who may know of it, and the schemas that are needed to understand it.
struct Told {
    access: Access,
    method: Method,
    needs: BTreeSet<String>,
}

/// What one caller is told.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Document<'a> {
    Made(&'a RawValue),
    Picked(Parts<'a>),
}

#[derive(Serialize)]
pub(super) struct Parts<'a> {
    openrpc: &'static str,
    info: Info,
    methods: Vec<&'a Method>,
    components: Components<'a>,
    #[serde(rename = "x-services")]
    services: Vec<Service>,
}

/// OpenRPC's info object.
#[derive(Serialize)]
struct Info {
    title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    version: &'static str,
}

#[derive(Serialize)]
struct Service {
    /// What the methods of the service have for a tag.
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    version: &'static str,
}

#[derive(Serialize)]
struct Components<'a> {
    schemas: BTreeMap<&'a str, &'a Value>,
    errors: &'a BTreeMap<&'static str, FrameworkError>,
}

impl OpenRpc {
    /// A document of these services, the first of which gives it its title, and of these routes.
    pub(super) fn new<'a>(services: Vec<About>, routes: impl Iterator<Item = &'a Arc<dyn Route>>) -> Self {
        let mut generators = Generators::new(SCHEMAS);
        let described: Vec<_> =
            routes.map(|route| (route.options().access, Method::new(&**route, &mut generators))).collect();
        let (definitions, renamed) = Definitions::of(generators);
        let methods = described.into_iter().map(|(access, mut method)| {
            method.rename_sent(&renamed);
            let needs = definitions.needed_by(method.schemas());
            Told { access, method, needs }
        });
        let methods = methods.collect();
        let mut made =
            Self { services, methods, definitions, errors: errors::all().into_iter().collect(), public: None };
        made.public = to_raw_value(&made.parts(&Caller::anonymous())).ok();
        made
    }

    /// What this caller may know.
    pub(super) fn document(&self, caller: &Caller) -> Document<'_> {
        let more = self.methods.iter().any(|told| told.access != Access::Public && told.access.admits(caller));
        match &self.public {
            Some(public) if !more => Document::Made(public),
            _ => Document::Picked(self.parts(caller)),
        }
    }

    fn parts(&self, caller: &Caller) -> Parts<'_> {
        let told: Vec<_> = self.methods.iter().filter(|told| told.access.admits(caller)).collect();
        let needed: BTreeSet<_> = told.iter().flat_map(|told| &told.needs).collect();
        Parts {
            openrpc: "1.3.2",
            info: self.services.first().map_or(Info::NONE, Info::of),
            methods: told.into_iter().map(|told| &told.method).collect(),
            components: Components { schemas: self.definitions.pick(needed), errors: &self.errors },
            services: self.services.iter().map(Service::of).collect(),
        }
    }
}

impl Info {
    /// OpenRPC wants a title and a version also of a server without services.
    const NONE: Self = Self { title: "callbox", description: None, version: "0.0.0" };

    fn of(about: &About) -> Self {
        Self { title: about.name, description: about.doc, version: about.version }
    }
}

impl Service {
    fn of(about: &About) -> Self {
        Self { name: about.name, description: about.doc, version: about.version }
    }
}
