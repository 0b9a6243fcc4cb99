//! The HTTP methods that a path accepts.

use actix_web::http::Method;

/// The HTTP methods that a path accepts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AllowedMethods {
    /// POST only, for calls.
    Post,
    /// GET and HEAD, for resources that can only be read. actix leaves out the body for HEAD.
    Get,
}

impl AllowedMethods {
    pub(crate) fn contains(self, method: &Method) -> bool {
        match self {
            Self::Post => method == Method::POST,
            Self::Get => matches!(*method, Method::GET | Method::HEAD),
        }
    }

    /// Whether requests by these methods have bodies, which the handler reads.
    pub(super) fn have_bodies(self) -> bool {
        matches!(self, Self::Post)
    }

    /// Returns the methods as a header lists them, such as `Allow`.
    pub(super) fn header_value(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Get => "GET, HEAD",
        }
    }

    /// Returns the methods and OPTIONS, for a path that answers CORS preflight requests.
    pub(super) fn header_value_with_options(self) -> &'static str {
        match self {
            Self::Post => "POST, OPTIONS",
            Self::Get => "GET, HEAD, OPTIONS",
        }
    }
}
