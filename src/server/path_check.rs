//! Whether the paths of the endpoints and of the OpenRPC document are free of everything else that
//! has a path.

use crate::http::matching_pattern;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::ServerHandle;
use super::health::PATHS;

impl ServerHandle {
    /// Endpoints and the document come before the routes and files of the program, so what is at
    /// their very paths would never be reached.
    ///
    /// # Errors
    /// If there is something.
    pub(super) async fn check_paths(&self) -> Result<()> {
        for (path, _) in &self.shared.endpoints {
            if let Some(what) = self.at(path, "an endpoint").await {
                let fix = "move one of them, the first endpoint with --endpoint PATH";
                return Err(StartError::new(format_args!("an endpoint is at `{path}`, and so is {what}"), fix));
            }
        }
        let Some((path, _)) = &self.shared.document else { return Ok(()) };
        let mut endpoints = self.shared.endpoints.iter();
        let taken = if endpoints.any(|(endpoint, _)| endpoint == path) {
            Some("an endpoint".to_owned())
        } else if PATHS.contains(&path.as_str()) {
            Some("what tells of the server's health".to_owned())
        } else {
            self.at(path, "the OpenRPC document").await
        };
        let Some(what) = taken else { return Ok(()) };
        let fix = "move one of them, the document with --openrpc PATH; or leave the document out with --openrpc off";
        Err(StartError::new(format_args!("the OpenRPC document is at `{path}`, and so is {what}"), fix))
    }

    /// What the program has of its own at this very path, where `ours` is to be.
    async fn at(&self, path: &str, ours: &str) -> Option<String> {
        if let Some(file) = self.shared.static_files.iter().find_map(|files| files.file_at(path)) {
            return Some(format!("the static file {}", file.display()));
        }
        let shared = Arc::clone(&self.shared);
        let pattern = matching_pattern(path, move |config| shared.add_own_routes(config)).await?;
        if pattern == path {
            return Some("a route of .configure(…)".to_owned());
        }
        log_info!(path, pattern, "{ours} goes before the route of a pattern");
        None
    }
}
