//! The reply to a call, as a message.

use async_nats::{HeaderMap, HeaderName, HeaderValue, Subject};
use bytes::Bytes;

use callbox_client::__engine::wire::{error_number, header};

use crate::dispatch::RpcResponse;
use crate::jsonrpc::{RpcError, payload_range};

use super::front::Front;

/// Room that the subject and the headers of a reply take of the server's maximum, in bytes.
const HEADER_ROOM: usize = 1024;

/// Maximum length of the text of an error in its header, in bytes. The payload has all of it.
const MAX_ERROR_TEXT: usize = 256;

/// Sends the response to a call: its result, or its error with headers that say so. With a
/// subscription goes the subject of the instance that has it. Returns the size of the payload.
pub(super) async fn send(front: &Front, to: Subject, response: RpcResponse, instance: Option<&str>) -> usize {
    let RpcResponse { body, error, .. } = response;
    let body = body.unwrap_or_default();
    let limit = front.connection.client.max_payload().saturating_sub(HEADER_ROOM);
    let (payload, error) = match payload_range(&body, error.is_some()) {
        range if range.len() > limit => {
            let reason = format_args!("the result has {} bytes, and NATS takes {limit}", range.len());
            let error = RpcError::too_large().with_reason(&reason);
            (Bytes::from(error.to_json()), Some(error.code()))
        }
        range => (Bytes::from(body).slice(range), error),
    };
    let size = payload.len();
    let mut headers = error.map(|code| error_headers(code, &payload));
    if let Some(instance) = instance.filter(|_| error.is_none()) {
        let headers = headers.get_or_insert_with(HeaderMap::new);
        headers.insert(HeaderName::from_static(header::INSTANCE), HeaderValue::from(instance));
    }
    let client = &front.connection.client;
    let sent = match headers {
        None => client.publish(to, payload).await,
        Some(headers) => client.publish_with_headers(to, headers, payload).await,
    };
    if let Err(error) = sent {
        log_throttled!(ERROR, %error, "a reply could not be sent over NATS");
    }
    size
}

/// Returns the headers by which clients of NATS recognise an error, whatever its payload is.
fn error_headers(code: i32, error: &[u8]) -> HeaderMap {
    #[derive(serde::Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        message: std::borrow::Cow<'a, str>,
    }
    let mut headers = HeaderMap::new();
    let text =
        serde_json::from_slice::<Message<'_>>(error).map_or_else(|_| String::new(), |read| one_line(&read.message));
    headers.insert(HeaderName::from_static(header::ERROR), HeaderValue::from(text));
    headers.insert(HeaderName::from_static(header::ERROR_CODE), HeaderValue::from(error_number(code).to_string()));
    headers
}

/// Returns the begin of a text, without what would end the header.
fn one_line(text: &str) -> String {
    let begin = &text[..text.floor_char_boundary(MAX_ERROR_TEXT)];
    begin.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_recognised_by_its_headers() {
        for (code, message, expected) in [
            (-32601, "Method not found", ("404", "Method not found")),
            (-32000, "Busy", ("429", "Busy")),
            (7, "one\r\nX: two", ("500", "one  X: two")),
            (8, &"ä".repeat(200), ("500", &"ä".repeat(128))),
        ] {
            let headers = error_headers(code, &RpcError::new(code, message.to_owned()).to_json());
            let get = |name| headers.get(name).map(HeaderValue::as_str);
            assert_eq!(
                (get("Nats-Service-Error-Code"), get("Nats-Service-Error")),
                (Some(expected.0), Some(expected.1))
            );
        }
    }
}
