//! Descriptions of services and methods, for generated documents.

use std::fmt;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};

use super::{DescribedError, MethodKind, Service};

/// The name, version and description of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServiceInfo {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) doc: Option<&'static str>,
}

impl ServiceInfo {
    pub(crate) fn of<S: Service>() -> Self {
        Self { name: S::NAME, version: S::VERSION, doc: S::DOC }
    }
}

/// The parameters, result and errors of a method, as JSON schemas.
#[derive(Debug)]
pub(crate) struct MethodDescription {
    /// The names of the parameters in positional order.
    pub(crate) order: &'static [&'static str],
    /// The schema of an object with all parameters as its properties.
    pub(crate) params: Schema,
    pub(crate) result: Schema,
    pub(crate) errors: Vec<DescribedError>,
    /// How the calls run. `None` for a built-in method, which has no service and no mailbox.
    pub(crate) runs: Option<ExecutionInfo>,
}

/// How the calls of a method run.
#[derive(Debug)]
pub(crate) struct ExecutionInfo {
    /// The name of the service.
    pub(crate) service: &'static str,
    pub(crate) kind: MethodKind,
    /// The capacity of the mailbox, in calls. Methods of a group share one mailbox.
    pub(crate) capacity: usize,
    pub(crate) weight: u32,
}

/// The generators for the schemas of a document.
///
/// There are two, because the schemas of a type for reading and for writing may differ: a field
/// with a default may be missing in a request, but is always present in a response.
pub(crate) struct SchemaGenerators {
    /// Generates schemas of what callers send.
    pub(crate) sent: SchemaGenerator,
    /// Generates schemas of what callers receive.
    pub(crate) received: SchemaGenerator,
}

impl SchemaGenerators {
    /// Makes generators for definitions at this path of the document. They use draft 7 of JSON
    /// Schema, which OpenRPC refers to.
    pub(crate) fn new(definitions: &'static str) -> Self {
        let settings = SchemaSettings::draft07().with(|settings| settings.definitions_path = definitions.into());
        Self {
            sent: settings.clone().for_deserialize().into_generator(),
            received: settings.for_serialize().into_generator(),
        }
    }
}

impl fmt::Debug for SchemaGenerators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SchemaGenerators")
    }
}
