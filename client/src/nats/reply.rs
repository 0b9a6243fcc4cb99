//! The reply to a call, as a response object.

use async_nats::{HeaderValue, Message};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::rpc_error::RpcError;
use crate::transport::{TransportError, TransportResponse};

use super::wire::header;

/// The reply to a call.
pub(super) struct Reply {
    pub(super) message: Message,
    /// Where the reply was expected, which is how the call is known.
    pub(super) subject: String,
}

impl Reply {
    /// Returns the error that the reply is, if it is one.
    pub(super) fn error(&self) -> Option<RpcError> {
        let number = header_of(&self.message, header::ERROR_CODE)?;
        Some(error_of(&self.message, number))
    }

    /// Returns the subject of the instance that has a subscription.
    pub(super) fn instance(&self) -> Option<String> {
        header_of(&self.message, header::INSTANCE).map(str::to_owned)
    }

    /// Returns the response object.
    ///
    /// # Errors
    /// If the result is no JSON.
    pub(super) fn response(&self, id: u64) -> Result<TransportResponse, TransportError> {
        if let Some(error) = self.error() {
            return Ok(error_response(id, &error));
        }
        let payload = &self.message.payload;
        let payload = if payload.is_empty() { b"null" } else { &**payload };
        let not_json = |error| TransportError::bad_response(format!("the reply is not JSON: {error}"));
        let result: &RawValue = serde_json::from_slice(payload).map_err(not_json)?;
        Ok(TransportResponse::new(format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#)))
    }
}

/// Returns a header, whatever the case of its name.
fn header_of<'a>(reply: &'a Message, name: &str) -> Option<&'a str> {
    let headers = reply.headers.as_ref()?;
    let found = headers.iter().find(|(own, _)| AsRef::<str>::as_ref(own).eq_ignore_ascii_case(name));
    found?.1.first().map(HeaderValue::as_str)
}

/// Returns the response object of a call that has this error.
pub(super) fn error_response(id: u64, error: &RpcError) -> TransportResponse {
    let error = String::from_utf8_lossy(&error.to_json()).into_owned();
    TransportResponse::new(format!(r#"{{"jsonrpc":"2.0","error":{error},"id":{id}}}"#))
}

/// Returns the error in a reply: the object in its payload, or what the headers of another kind of
/// service say.
fn error_of(reply: &Message, number: &str) -> RpcError {
    #[derive(Deserialize)]
    struct ErrorObject {
        code: i32,
        message: String,
        data: Option<Box<RawValue>>,
    }
    if let Ok(ErrorObject { code, message, data }) = serde_json::from_slice(&reply.payload) {
        let error = RpcError::new(code, message);
        return match data {
            Some(data) => error.with_data(&data),
            None => error,
        };
    }
    let text = header_of(reply, header::ERROR).unwrap_or("the service has failed");
    let error = RpcError::new(number.trim().parse().unwrap_or(500), text.to_owned());
    match std::str::from_utf8(&reply.payload) {
        Ok(body) if !body.is_empty() => error.with_data(body),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use async_nats::HeaderName;

    use super::*;

    fn reply(headers: &[(&'static str, &str)], payload: &'static str) -> Reply {
        let lines = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let (reply, headers) = (None, Some(lines.collect()));
        let (status, description, length) = (None, None, 0);
        let message =
            Message { subject: "".into(), reply, payload: payload.into(), headers, status, description, length };
        Reply { message, subject: String::new() }
    }

    fn text(response: Result<TransportResponse, TransportError>) -> String {
        response.map_or_else(|error| error.to_string(), |response| String::from_utf8(response.body).unwrap())
    }

    #[test]
    fn a_reply_is_one_result_or_one_error() {
        for (headers, payload, expected) in [
            (&[][..], "[1]", r#"{"jsonrpc":"2.0","result":[1],"id":7}"#),
            (&[], "", r#"{"jsonrpc":"2.0","result":null,"id":7}"#),
            (
                &[("nats-service-error-code", "404"), ("nats-service-error", "x")],
                r#"{"code":-32601,"message":"Method not found"}"#,
                r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":7}"#,
            ),
            (
                &[("Nats-Service-Error-Code", "400"), ("Nats-Service-Error", "no numbers")],
                "",
                r#"{"jsonrpc":"2.0","error":{"code":400,"message":"no numbers"},"id":7}"#,
            ),
            (
                &[("Nats-Service-Error-Code", "x")],
                "text",
                r#"{"jsonrpc":"2.0","error":{"code":500,"message":"the service has failed","data":"text"},"id":7}"#,
            ),
        ] {
            assert_eq!(text(reply(headers, payload).response(7)), expected);
        }
        for payload in ["pong", r#"1,"id":7},{"#, "1 2"] {
            assert!(text(reply(&[], payload).response(7)).starts_with("the reply is not JSON"), "{payload}");
        }
    }
}
