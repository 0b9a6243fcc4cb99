//! The origins whose pages may send requests.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderValue, ORIGIN};

use crate::start_error::StartError;

use super::super::authority::{Authority, WebOrigin};
use super::super::rejection::HttpRejection;

/// The origins whose pages are admitted in addition to the server's own.
#[derive(Debug)]
pub(super) enum AllowedOrigins {
    Listed(Vec<WebOrigin<'static>>),
    /// Pages of any origin may call.
    Any {
        over_loopback: bool,
    },
}

/// The origin of an admitted request, if it comes from a page of another, listed site. The response
/// then needs CORS headers.
#[derive(Debug, PartialEq)]
pub(super) struct CorsOrigin(pub(super) Option<HeaderValue>);

impl AllowedOrigins {
    /// # Errors
    /// If an entry of the list can match nothing, as it has no scheme, or a path.
    pub(super) fn new<T: AsRef<str>>(list: &[T], any_over_loopback: bool) -> Result<Self, StartError> {
        let listed = list.iter().map(|origin| parse(origin.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(if listed.iter().any(Option::is_none) {
            Self::Any { over_loopback: any_over_loopback }
        } else {
            Self::Listed(listed.into_iter().flatten().collect())
        })
    }

    /// Whether pages of any other site are allowed.
    pub(super) fn allow_other_sites(&self) -> bool {
        match self {
            Self::Listed(listed) => !listed.is_empty(),
            Self::Any { .. } => true,
        }
    }

    /// Admits a request for `host` unless it comes from a page of another site that is not allowed.
    ///
    /// # Errors
    /// A rejection with 403 if the origin is not allowed.
    #[inline]
    pub(super) fn admit(
        &self,
        request: &HttpRequest,
        host: Option<&Authority<'_>>,
        loopback: bool,
    ) -> Result<CorsOrigin, HttpRejection> {
        let mut origins = request.headers().get_all(ORIGIN);
        let Some(value) = origins.next() else { return Ok(CorsOrigin(None)) };
        if matches!(*self, Self::Any { over_loopback } if over_loopback || !loopback) {
            return Ok(CorsOrigin(Some(HeaderValue::from_static("*"))));
        }
        let origin = value.to_str().ok().and_then(WebOrigin::parse).filter(|_| origins.next().is_none());
        let origin = origin.ok_or_else(HttpRejection::forbidden_origin)?;
        if matches!(self, Self::Listed(listed) if listed.iter().any(|listed| listed.matches(&origin))) {
            return Ok(CorsOrigin(Some(value.clone())));
        }
        let secure = request.app_config().secure();
        let is_own = host.is_some_and(|host| is_own(&origin, host, secure));
        if is_own { Ok(CorsOrigin(None)) } else { Err(HttpRejection::forbidden_origin()) }
    }
}

/// Whether pages of an origin are served by this server, under the name `host`.
fn is_own(origin: &WebOrigin<'_>, host: &Authority<'_>, secure: bool) -> bool {
    let same_scheme = if secure {
        // An attacker on the network can serve a page over `http://` under any name, so for a
        // server with TLS such a page belongs to another site.
        origin.is_https()
    } else {
        // A proxy in front of this server may terminate TLS, on the default port, which `Host` then
        // leaves out.
        origin.is_http() || origin.is_https() && !host.has_port()
    };
    same_scheme && origin.is_served_by(host)
}

/// Parses an entry of the list. `None` is the entry that allows any origin.
fn parse(text: &str) -> Result<Option<WebOrigin<'static>>, StartError> {
    if text == "*" {
        return Ok(None);
    }
    WebOrigin::parse(text).map(|origin| Some(origin.into_owned())).ok_or_else(|| {
        StartError::new(
            format_args!("the allowed origin {text:?} is not a valid origin"),
            "list each site as `https://example.com` or `http://localhost:3000`, without a path, or give `*` for all",
        )
    })
}
