//! The check that nothing else is at the paths of the endpoints, the metrics and the OpenRPC
//! document.

use crate::http::matching_pattern;
use crate::settings::MetricsPlace;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::ServerHandle;
use super::health::PATHS;
use super::metrics::MetricsMount;

impl ServerHandle {
    /// Checks that no route or file of the program has the path of an endpoint or of the document.
    ///
    /// Endpoints and the document are matched first, so a route or file at the same path would
    /// never be reached.
    ///
    /// # Errors
    /// If a path is used twice.
    pub(super) async fn check_paths(&self) -> Result<()> {
        for (path, _) in &self.shared.endpoints {
            if let Some(what) = self.own_content_at(path, "an endpoint").await {
                let fix = "move one of them, the first endpoint with --endpoint PATH";
                return Err(StartError::new(format_args!("an endpoint is at `{path}`, and so is {what}"), fix));
            }
        }
        if let MetricsMount { place: MetricsPlace::Path(path), is_explicit: true } = &self.shared.metrics_mount {
            let taken = match self.shared.endpoints.iter().any(|(endpoint, _)| endpoint == path) {
                true => Some("an endpoint".to_owned()),
                false if PATHS.contains(&path.as_str()) => Some("a health check".to_owned()),
                false => self.own_content_at(path, "the page of the metrics").await,
            };
            if let Some(what) = taken {
                let fix = "move one of them, the metrics with --metrics PATH; or leave them out with --metrics off";
                return Err(StartError::new(format_args!("the metrics are at `{path}`, and so is {what}"), fix));
            }
        }
        let Some((path, _)) = &self.shared.document else { return Ok(()) };
        let mut endpoints = self.shared.endpoints.iter();
        let taken = if endpoints.any(|(endpoint, _)| endpoint == path) {
            Some("an endpoint".to_owned())
        } else if PATHS.contains(&path.as_str()) {
            Some("a health check".to_owned())
        } else {
            self.own_content_at(path, "the OpenRPC document").await
        };
        let Some(what) = taken else { return Ok(()) };
        let fix = "move one of them, the document with --openrpc PATH; or leave the document out with --openrpc off";
        Err(StartError::new(format_args!("the OpenRPC document is at `{path}`, and so is {what}"), fix))
    }

    /// Describes the static file or route that the program itself has at exactly this path. `ours`
    /// is what callbox serves there, for the log.
    ///
    /// A route whose pattern merely matches the path is no mistake: it still serves all its other
    /// paths.
    async fn own_content_at(&self, path: &str, ours: &str) -> Option<String> {
        if let Some(file) = self.shared.static_files.iter().find_map(|files| files.file_at(path)) {
            return Some(format!("the static file {}", file.display()));
        }
        let shared = Arc::clone(&self.shared);
        let pattern = matching_pattern(path, move |config| shared.add_own_routes(config)).await?;
        if pattern == path {
            return Some("a route of .configure(…)".to_owned());
        }
        log_info!(path, pattern, "{ours} takes precedence over a route whose pattern matches its path");
        None
    }
}
