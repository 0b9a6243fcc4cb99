//! Pages from handlebars templates.

use std::fmt;
use std::future::{Ready, ready};
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use handlebars::Handlebars;
use serde::Serialize;

use crate::start_error::StartError;

use super::fault_page::fault_page;
use super::template_dir::{TemplateDir, TemplateFault};
use super::template_helpers::TemplateHelpers;

const HTML: &str = "text/html; charset=utf-8";

/// The server's handlebars templates, as a parameter of a page's handler.
///
/// [`Server::templates`](crate::Server::templates) sets their directory. Every file in it that ends
/// in `.hbs`, at any depth, is a template. Its name is its path without the ending, with `/`
/// between the parts: `users/list` for `templates/users/list.hbs`. Files and directories whose
/// names begin with a dot are left out. Templates can include each other by these names:
/// `{{> users/row}}`.
///
/// All templates are read when the server starts. A mistake in one of them, or a partial or helper
/// that does not exist, fails the start with an error that names the file and the line. With
/// `--watch-templates` the templates are read again for each page, so a change shows at the next
/// reload in the browser.
///
/// [`Server::template_helper`](crate::Server::template_helper) adds helpers of your own.
///
/// A name that is not in the data is an error and not an empty string. Values are escaped for HTML
/// text and *quoted* attributes: `<a title="{{title}}">` is safe, `<a title={{title}}>` is not, and
/// neither is `{{{title}}}`.
///
/// ```
/// use actix_web::Responder;
/// use callbox::{TemplateError, Templates};
/// use serde_json::json;
///
/// // With `templates/stats.hbs`: <p>{{greeted}} were greeted.</p>
/// async fn stats(pages: Templates) -> Result<impl Responder, TemplateError> {
///     pages.render("stats", &json!({ "greeted": 7 }))
/// }
/// ```
///
/// # Errors
/// If the server has no templates, the request is answered with 500, and the log names the missing
/// call.
#[derive(Clone, Debug)]
pub struct Templates(Arc<TemplateStore>);

#[derive(Debug)]
struct TemplateStore {
    dir: TemplateDir,
    /// The templates, or `None` if they are read again for each page.
    loaded: Option<Handlebars<'static>>,
}

impl Templates {
    /// Reads the templates in `dir`. With `watch` they are read again for each page, and mistakes
    /// are shown in the browser.
    ///
    /// # Errors
    /// If the directory or a template cannot be read or parsed.
    pub(crate) fn load(dir: &Path, watch: bool, helpers: TemplateHelpers) -> Result<Self, StartError> {
        if !dir.is_dir() {
            return Err(StartError::new(
                format_args!("the template directory {} does not exist", dir.display()),
                "create it, or name another in `.templates(…)`; a relative path starts in --assets DIR, or without \
                 it in the working directory or that of the program",
            ));
        }
        let dir = TemplateDir::new(dir, helpers);
        let loaded = dir.load().map_err(|fault| StartError::new(fault, "fix the template, or move it elsewhere"))?;
        if loaded.get_templates().is_empty() {
            log_warn!(?dir, "the template directory contains no template (*.hbs)");
        }
        Ok(Self(Arc::new(TemplateStore { dir, loaded: (!watch).then_some(loaded) })))
    }

    /// Renders a template with `data` and returns the page: status 200, `text/html; charset=utf-8`.
    ///
    /// # Errors
    /// If there is no such template, if the template uses a name that is not in the data, or if
    /// `data` cannot be serialised as JSON. When a handler returns the error, the response is a
    /// plain 500, and the details are logged.
    pub fn render<T: Serialize + ?Sized>(&self, name: &str, data: &T) -> Result<HttpResponse, TemplateError> {
        let TemplateStore { dir, loaded } = &*self.0;
        let show_source = loaded.is_none();
        let error = |fault| TemplateError(TemplateErrorKind::Fault { fault, show_source });
        let fresh;
        let registry = match loaded {
            Some(loaded) => loaded,
            None => {
                fresh = dir.load().map_err(error)?;
                &fresh
            }
        };
        let page = registry.render(name, &data).map_err(|wrong| error(dir.fault(registry, name, &wrong)))?;
        Ok(HttpResponse::Ok().content_type(HTML).body(page))
    }
}

impl FromRequest for Templates {
    type Error = TemplateError;
    type Future = Ready<Result<Self, TemplateError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.app_data::<Self>().cloned().ok_or(TemplateError(TemplateErrorKind::NotConfigured)))
    }
}

/// The error of a page that could not be rendered.
///
/// `Display` shows the file, the line and the reason, for the log. As a response it is a 500
/// without these details, except with `--watch-templates`, which shows them in the browser.
#[derive(Debug)]
pub struct TemplateError(TemplateErrorKind);

#[derive(Debug)]
enum TemplateErrorKind {
    NotConfigured,
    Fault { fault: TemplateFault, show_source: bool },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            TemplateErrorKind::NotConfigured => f.write_str(
                "a handler takes `Templates`, but the server has none: call `.templates(\"dir\")` on the server",
            ),
            TemplateErrorKind::Fault { fault, .. } => write!(f, "{fault}"),
        }
    }
}

impl std::error::Error for TemplateError {}

impl ResponseError for TemplateError {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        log_throttled!(ERROR, error = %self, "a page could not be rendered");
        let mut response = HttpResponse::InternalServerError();
        match &self.0 {
            TemplateErrorKind::Fault { fault, show_source: true } => {
                response.content_type(HTML).body(fault_page(fault))
            }
            _ => response.content_type("text/plain; charset=utf-8").body("Internal server error\n"),
        }
    }
}

#[cfg(test)]
mod tests;
