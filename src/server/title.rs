//! The title of a server.

use crate::settings::Settings;
use crate::sync::Arc;

use super::erased_service::ErasedService;

/// Returns the title of the server: by default the names of its services.
pub(super) fn title(settings: &Settings, services: &[Arc<dyn ErasedService>]) -> String {
    settings.title.clone().unwrap_or_else(|| {
        let names: Vec<_> = services.iter().map(|service| service.name()).collect();
        names.join(", ")
    })
}
