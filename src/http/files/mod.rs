//! Static files: one directory under one URL, and nothing outside it.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use actix_files::Files;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::DefaultHeaders;
use actix_web::web;

use crate::start_error::StartError;

const INDEX: &str = "index.html";

/// A directory that is served under a URL.
#[derive(Clone, Debug)]
pub(crate) struct StaticFiles {
    url: String,
    root: PathBuf,
}

impl StaticFiles {
    /// Serves `dir` under `url`, such as `/static`, or `/` for every path that no other route has.
    ///
    /// # Errors
    /// If the directory does not exist, if `url` does not begin with a slash, or if it has braces.
    pub(crate) fn new(url: &str, dir: &Path) -> Result<Self, StartError> {
        if !url.starts_with('/') || url.contains(['{', '}']) {
            return Err(StartError::new(
                format_args!("static files cannot be served under {url:?}"),
                "give a path that begins with a slash and has no braces, like `/static`",
            ));
        }
        let root = dir.canonicalize().ok().filter(|root| root.is_dir()).ok_or_else(|| {
            StartError::new(
                format_args!("the directory of static files {} does not exist", dir.display()),
                "create it, or name another in `.static_files(…)`; a relative path starts in --assets DIR, or without \
                 it in the working directory or that of the program",
            )
        })?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), root })
    }

    /// Whether a file or directory exists under this path.
    pub(crate) fn has(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&self.url).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        rest.is_some_and(|rest| self.root.join(rest.trim_start_matches('/')).exists())
    }

    /// Returns the file under this path, if there is one.
    pub(crate) fn file_at(&self, path: &str) -> Option<PathBuf> {
        let inside = path.strip_prefix(&self.url)?.strip_prefix('/')?;
        Some(self.root.join(inside)).filter(|file| file.is_file())
    }

    /// Mounts the directory. Under `/` it matches every path, so mount it after all other routes.
    pub(crate) fn configure(&self, config: &mut web::ServiceConfig) {
        let root = self.root.clone();
        let files = Files::new("/", &self.root)
            .index_file(INDEX)
            // Relative links of an index resolve only if its URL ends in a slash.
            .redirect_to_slash_directory()
            .path_filter(move |path, _| {
                is_inside(&root, path) && is_inside(&root, &path.join(INDEX)) && !is_dir_without_index(&root.join(path))
            });
        let nosniff = DefaultHeaders::new().add((X_CONTENT_TYPE_OPTIONS, "nosniff"));
        let scope = web::scope(&self.url).wrap(nosniff).wrap_fn(|request, files| {
            let answering = files.call(request);
            async move { answering.await.map(redirect_within) }
        });
        config.service(scope.service(files));
    }

    /// Sorts directories with longer URLs first, so that a shorter URL does not hide those below
    /// it.
    pub(crate) fn longest_url_first(all: &mut [Self]) {
        all.sort_by_key(|files| Reverse(files.url.len()));
    }
}

/// Makes a redirect to a directory's URL relative, so that it cannot lead to another site. The
/// whole path `//example.org/../sub` would.
fn redirect_within(mut response: ServiceResponse) -> ServiceResponse {
    if response.status() == StatusCode::TEMPORARY_REDIRECT {
        let uri = response.request().uri();
        let directory = uri.path().rsplit('/').next().unwrap_or_default();
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        match HeaderValue::try_from(format!("./{directory}/{query}")) {
            Ok(location) => _ = response.headers_mut().insert(LOCATION, location),
            Err(_) => _ = response.headers_mut().remove(LOCATION),
        }
    }
    response
}

/// Whether this is a directory without an index.
fn is_dir_without_index(path: &Path) -> bool {
    path.is_dir() && !path.join(INDEX).is_file()
}

/// Whether the target of `path`, with symlinks resolved, may be served: a regular file or directory
/// under the root that is not hidden. A path that does not exist passes as well, and is answered
/// 404.
fn is_inside(root: &Path, path: &Path) -> bool {
    let Ok(real) = root.join(path).canonicalize() else { return true };
    let Ok(inside) = real.strip_prefix(root) else { return false };
    let hidden = inside.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
    // Opening a named pipe would block the worker until a program writes to the pipe.
    let plain = fs::metadata(&real).is_ok_and(|real| real.is_file() || real.is_dir());
    plain && !hidden
}

#[cfg(test)]
mod tests;
