//! What a document tells of a service and of a method.

use std::fmt;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};

use super::{DescribedError, MethodKind, Service};

/// What a service says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) doc: Option<&'static str>,
}

impl About {
    pub(crate) fn of<S: Service>() -> Self {
        Self { name: S::NAME, version: S::VERSION, doc: S::DOC }
    }
}

/// What callers send and get, as JSON schemas.
#[derive(Debug)]
pub(crate) struct Description {
    /// The parameters' names in their positional order.
    pub(crate) order: &'static [&'static str],
    /// An object with all parameters as its properties.
    pub(crate) params: Schema,
    pub(crate) result: Schema,
    pub(crate) errors: Vec<DescribedError>,
    /// Nothing for a built-in method: it has no service, and its calls do not wait.
    pub(crate) runs: Option<Runs>,
}

/// How the calls of a method run.
#[derive(Debug)]
pub(crate) struct Runs {
    /// The name of the service.
    pub(crate) service: &'static str,
    pub(crate) kind: MethodKind,
    /// Those of the mailbox, which a group shares.
    pub(crate) capacity: usize,
    pub(crate) weight: u32,
}

/// What makes the schemas of a document.
///
/// A type may read something else than it writes: a field with a default need not be sent, but is always there in an answer.
pub(crate) struct Generators {
    /// For what callers send.
    pub(crate) sent: SchemaGenerator,
    /// For what they get.
    pub(crate) answered: SchemaGenerator,
}

impl Generators {
    /// For definitions at this place of the document, in draft 7, which is what OpenRPC refers to.
    pub(crate) fn new(definitions: &'static str) -> Self {
        let settings = SchemaSettings::draft07().with(|settings| settings.definitions_path = definitions.into());
        Self {
            sent: settings.clone().for_deserialize().into_generator(),
            answered: settings.for_serialize().into_generator(),
        }
    }
}

impl fmt::Debug for Generators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Generators")
    }
}
