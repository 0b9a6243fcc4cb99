//! Where the OpenRPC document is, beside everything else that has a path.

use crate::http::taken_by;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::Running;
use super::health::PATHS;

impl Running {
    /// The document comes before the routes and files of the program, so what is at its very path would never be reached.
    ///
    /// # Errors
    /// If there is something.
    pub(super) async fn check_document(&self) -> Result<()> {
        let Some((path, _)) = &self.shared.document else { return Ok(()) };
        let taken = |what: std::fmt::Arguments<'_>| {
            let fix =
                "move one of them, the document with --openrpc PATH; or leave the document out with --openrpc off";
            Err(StartError::new(format_args!("the OpenRPC document is at `{path}`, and so is {what}"), fix))
        };
        if self.shared.endpoints.iter().any(|(endpoint, _)| endpoint == path) {
            return taken(format_args!("an endpoint"));
        }
        if PATHS.contains(&path.as_str()) {
            return taken(format_args!("what tells of the server's health"));
        }
        if let Some(file) = self.shared.static_files.iter().find_map(|files| files.file_at(path)) {
            return taken(format_args!("the static file {}", file.display()));
        }
        let shared = Arc::clone(&self.shared);
        match taken_by(path, move |config| shared.add_own_routes(config)).await {
            Some(pattern) if pattern == *path => taken(format_args!("a route of .configure(…)")),
            Some(pattern) => {
                log_info!(path, pattern, "the OpenRPC document goes before the route of a pattern");
                Ok(())
            }
            None => Ok(()),
        }
    }
}
