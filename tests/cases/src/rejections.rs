//! Requests that are rejected before dispatch, as a table of test cases.
//!
//! Two tests use it: `src/http/rpc/tests.rs` for the route alone, and `tests/http/refusals.rs` for
//! whole servers. Both accept bodies of up to 1,000 bytes and loopback hosts only, and allow no
//! origins.

/// A request that is rejected, with the status that it gets.
#[derive(Debug)]
pub struct RejectedRequest {
    /// What is wrong with the request.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// Headers besides `Host: localhost` and `Content-Type: application/json`, or in their place. A
    /// header with an empty value is left out of the request.
    pub headers: &'static [(&'static str, &'static str)],
    /// Length of the body, in bytes.
    pub bytes: usize,
    /// The HTTP status of the response.
    pub status: u16,
}

const fn post(name: &'static str, headers: &'static [(&'static str, &'static str)], status: u16) -> RejectedRequest {
    RejectedRequest { name, method: "POST", headers, bytes: 100, status }
}

const fn by(method: &'static str, headers: &'static [(&'static str, &'static str)], status: u16) -> RejectedRequest {
    RejectedRequest { name: method, method, headers, bytes: 100, status }
}

/// All rejected requests.
pub const REJECTED_REQUESTS: &[RejectedRequest] = &[
    by("GET", &[], 405),
    by("PUT", &[], 405),
    by("DELETE", &[], 405),
    by("PATCH", &[], 405),
    by("CALL", &[], 405),
    // Without allowed origins there are no preflight requests.
    by("OPTIONS", &[], 405),
    by("GET", &[("Host", "evil.net"), ("Content-Type", "text/plain")], 405),
    post("another host", &[("Host", "evil.net")], 421),
    post("the host before the type", &[("Host", "evil.net"), ("Content-Type", "text/plain")], 421),
    post("another origin", &[("Origin", "http://evil.net")], 403),
    post("an origin like the host", &[("Origin", "http://localhost.evil.net")], 403),
    post("an origin that is none", &[("Origin", "null")], 403),
    post("the host before the origin", &[("Host", "evil.net"), ("Origin", "http://evil.net")], 421),
    post("no type", &[("Content-Type", "")], 415),
    post("another type", &[("Content-Type", "text/plain")], 415),
    post("a form", &[("Content-Type", "application/x-www-form-urlencoded")], 415),
    post("a form with files", &[("Content-Type", "multipart/form-data; boundary=x")], 415),
    post("almost the type", &[("Content-Type", "application/jsonp")], 415),
    post("a type of JSON that is not ours", &[("Content-Type", "application/ld+json")], 415),
    post("two types", &[("Content-Type", "application/json"), ("Content-Type", "text/plain")], 415),
    post("the type twice", &[("Content-Type", "application/json"), ("Content-Type", "application/json")], 415),
    post("two types in one", &[("Content-Type", "application/json, text/plain")], 415),
    post("another charset", &[("Content-Type", "application/json; charset=latin1")], 415),
    post("almost the charset", &[("Content-Type", "application/json; charset=utf88")], 415),
    post("another charset that begins like it", &[("Content-Type", "application/json; charset=utf8mb4")], 415),
    post("two charsets", &[("Content-Type", "application/json;charset=utf-8;charset=utf-16")], 415),
    post("gzip", &[("Content-Encoding", "gzip")], 415),
    post("deflate", &[("Content-Encoding", "deflate")], 415),
    post("identity and gzip", &[("Content-Encoding", "identity, gzip")], 415),
    post("identity, then gzip", &[("Content-Encoding", "identity"), ("Content-Encoding", "gzip")], 415),
    RejectedRequest { name: "too large", method: "POST", headers: &[], bytes: 1001, status: 413 },
    RejectedRequest {
        name: "the type before the size",
        method: "POST",
        headers: &[("Content-Type", "text/plain")],
        bytes: 1001,
        status: 415,
    },
];

/// Values of `Content-Type` that are accepted.
pub const JSON_CONTENT_TYPES: &[&str] = &[
    "application/json",
    "Application/JSON; charset=UTF-8",
    "application/json;charset=\"utf-8\"; x=y",
    "application/json-rpc",
    "application/jsonrequest ; charset=utf-8",
    "application/json;",
    "application/json; charset=utf8",
    "application/json; charset=UTF8",
    "application/json;charset=us-ascii",
    "application/json-rpc; charset=\"US-ASCII\"",
    "application/json; charset=ascii",
];
