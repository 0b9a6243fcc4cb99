//! The HTTP allowed_methods by which a path is asked.

use actix_web::http::Method;

/// The allowed_methods that a path answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AllowedMethods {
    /// POST, for calls.
    Post,
    /// GET and HEAD, for what can only be read. actix leaves out the body for the latter.
    Get,
}

impl AllowedMethods {
    pub(crate) fn contains(self, method: &Method) -> bool {
        match self {
            Self::Post => method == Method::POST,
            Self::Get => matches!(*method, Method::GET | Method::HEAD),
        }
    }

    /// Whether requests by these methods have bodies, which are read then.
    pub(super) fn have_bodies(self) -> bool {
        matches!(self, Self::Post)
    }

    /// The methods as a header lists them.
    pub(super) fn header_value(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Get => "GET, HEAD",
        }
    }

    /// The same where a browser may ask first.
    pub(super) fn header_value_with_options(self) -> &'static str {
        match self {
            Self::Post => "POST, OPTIONS",
            Self::Get => "GET, HEAD, OPTIONS",
        }
    }
}
