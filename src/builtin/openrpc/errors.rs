//! The errors that callbox itself returns for any method: listed once in the document, and not with
//! each method.

use serde::Serialize;
use serde_json::{Value, json};

use crate::jsonrpc::code;

/// OpenRPC's error object, whose data is described by its schema.
#[derive(Serialize)]
pub(super) struct FrameworkError {
    code: i32,
    message: &'static str,
    #[serde(skip_serializing_if = "Value::is_null")]
    data: Value,
}

/// Returns the names under which the document lists them, and the errors.
pub(super) fn all() -> Vec<(&'static str, FrameworkError)> {
    let text = || json!({ "type": "string" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let error = |code, message, data| FrameworkError { code, message, data };
    let none = Value::Null;
    let reason = object(&["reason"], &json!({ "reason": text() }));
    vec![
        ("ParseError", error(code::PARSE_ERROR, "Parse error", reason.clone())),
        ("InvalidRequest", error(code::INVALID_REQUEST, "Invalid Request", reason)),
        ("MethodNotFound", error(code::METHOD_NOT_FOUND, "Method not found", none.clone())),
        (
            "InvalidParams",
            error(
                code::INVALID_PARAMS,
                "Invalid params",
                object(&["reason"], &json!({ "param": text(), "reason": text() })),
            ),
        ),
        (
            "InternalError",
            error(code::INTERNAL, "Internal error", object(&["correlation_id"], &json!({ "correlation_id": text() }))),
        ),
        (
            "ServerBusy",
            error(
                code::BUSY,
                "Server busy",
                object(
                    &["method", "reason", "depth", "capacity", "retry_after_ms"],
                    &json!({
                        "method": text(),
                        "reason": text(),
                        "depth": count(),
                        "capacity": count(),
                        "retry_after_ms": count(),
                    }),
                ),
            ),
        ),
        (
            "AccessDenied",
            error(
                code::ACCESS_DENIED,
                "Access denied",
                // Only an address with too many wrong tokens gets them.
                object(&[], &json!({ "reason": text(), "retry_after_ms": count() })),
            ),
        ),
        (
            "DeadlineExceeded",
            error(
                code::DEADLINE,
                "Deadline exceeded",
                object(&["queued_ms", "deadline_ms"], &json!({ "queued_ms": count(), "deadline_ms": count() })),
            ),
        ),
        ("ServiceUnavailable", error(code::UNAVAILABLE, "Service unavailable", none.clone())),
        ("ResponseTooLarge", error(code::TOO_LARGE, "Response too large", none.clone())),
        ("RequestCancelled", error(code::CANCELLED, "Request cancelled", none)),
    ]
}

fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}
