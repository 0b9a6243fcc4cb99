//! The sites whose pages may ask.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderValue, ORIGIN};

use crate::start_error::StartError;

use super::super::authority::{Authority, WebOrigin};
use super::super::rejection::HttpRejection;

/// The origins whose pages are let in beside the server's own.
#[derive(Debug)]
pub(super) enum AllowedOrigins {
    Listed(Vec<WebOrigin<'static>>),
    /// Pages of any origin may call.
    Any {
        over_loopback: bool,
    },
}

/// The origin that a request was let in for, if its page belongs to another site and is listed:
/// CORS headers are due.
#[derive(Debug, PartialEq)]
pub(super) struct CorsOrigin(pub(super) Option<HeaderValue>);

impl AllowedOrigins {
    /// # Errors
    /// When an entry of the list can match nothing, as it has no scheme, or a path.
    pub(super) fn new<T: AsRef<str>>(list: &[T], any_over_loopback: bool) -> Result<Self, StartError> {
        let listed = list.iter().map(|origin| parse(origin.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(if listed.iter().any(Option::is_none) {
            Self::Any { over_loopback: any_over_loopback }
        } else {
            Self::Listed(listed.into_iter().flatten().collect())
        })
    }

    /// Whether pages of other sites are welcome at all.
    pub(super) fn allow_other_sites(&self) -> bool {
        match self {
            Self::Listed(listed) => !listed.is_empty(),
            Self::Any { .. } => true,
        }
    }

    /// Lets a request in that asks this host, if no page of another site sends it, or one that may.
    ///
    /// # Errors
    /// 403 if it may not.
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

/// Whether pages of an origin come from the server that is asked as `host`.
fn is_own(origin: &WebOrigin<'_>, host: &Authority<'_>, secure: bool) -> bool {
    let same_scheme = if secure {
        // Whoever sits on the network may put a page of `http://` under any name, so here it is
        // another site's.
        origin.is_https()
    } else {
        // A proxy in front may speak TLS for this server, on the port that is the usual one and so
        // is not named.
        origin.is_http() || origin.is_https() && !host.has_port()
    };
    same_scheme && origin.is_served_by(host)
}

/// `None` is the entry that allows any origin.
fn parse(text: &str) -> Result<Option<WebOrigin<'static>>, StartError> {
    if text == "*" {
        return Ok(None);
    }
    WebOrigin::parse(text).map(|origin| Some(origin.into_owned())).ok_or_else(|| {
        StartError::new(
            format_args!("the allowed origin {text:?} is no origin"),
            "list each site as `https://example.com` or `http://localhost:3000`, without a path, or give `*` for all",
        )
    })
}
