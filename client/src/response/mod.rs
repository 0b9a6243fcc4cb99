//! Response objects, in strict JSON-RPC 2.0 and in the two older dialects.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

use crate::rpc_error::RpcError;

use crate::client_error::ClientError;
use crate::request::{BodyShape, RequestObject};
use crate::transport::TransportResponse;

/// The result of one call, still as JSON.
pub(crate) type RawResult = Result<Box<RawValue>, ClientError>;

/// Returns the result of each request, in their order. The result of a notification that was
/// accepted is `null`.
pub(crate) fn read(received: &TransportResponse, requests: &[&RequestObject], shape: BodyShape) -> Vec<RawResult> {
    let read = match shape {
        BodyShape::Single => requests.iter().map(|request| single(received, request.id)).collect(),
        BodyShape::Batch => batch(received, requests).unwrap_or_else(|error| repeat(&error, requests.len())),
    };
    read.into_iter().map(|result| result.map_err(|error| add_remark(error, received))).collect()
}

/// Returns the same error for each request of a body.
pub(crate) fn repeat(error: &ClientError, count: usize) -> Vec<RawResult> {
    vec![Err(error.clone()); count]
}

/// Deserializes the result.
pub(crate) fn value<T: DeserializeOwned>(result: RawResult) -> Result<T, ClientError> {
    serde_json::from_str(result?.get())
        .map_err(|error| ClientError::bad_response(format!("the result is not of the expected type: {error}")))
}

/// Puts the remark of the transport before the error of an unusable body. An HTTP status, for
/// example, explains more than the parser's error about an HTML page.
fn add_remark(error: ClientError, received: &TransportResponse) -> ClientError {
    match (error, &received.remark) {
        (ClientError::BadResponse(cause), Some(remark)) => ClientError::bad_response(format!("{remark}: {cause}")),
        (error, _) => error,
    }
}

/// One response object. Its members are raw JSON, so that `"result": null` counts as a result.
#[derive(Deserialize)]
struct ResponseObject<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    /// The result in the dialect `pymicroservice`.
    #[serde(borrow, default, deserialize_with = "present")]
    response: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct ErrorObject<'a> {
    code: i32,
    #[serde(default)]
    message: String,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

impl<'a> ResponseObject<'a> {
    fn parse(json: &'a str) -> Result<Self, ClientError> {
        // A derived struct would also accept an array.
        if !json.starts_with('{') {
            return Err(ClientError::bad_response("it is not a JSON-RPC response"));
        }
        serde_json::from_str(json)
            .map_err(|error| ClientError::bad_response(format!("it is not a JSON-RPC response: {error}")))
    }

    /// Whether the id is missing or null, as in the response to a request whose id could not be
    /// read.
    fn has_no_id(&self) -> bool {
        self.id.is_none_or(|id| id.get() == "null")
    }

    fn has_id(&self, id: u64) -> bool {
        self.id.is_some_and(|raw| raw.get().parse() == Ok(id))
    }

    /// Returns the result or the error. The older dialects send both members, one of them null.
    fn result(&self) -> RawResult {
        let error = self.error.filter(|error| error.get() != "null");
        match (error, self.result.or(self.response)) {
            (Some(error), None) => Err(error_of(error)),
            (Some(error), Some(result)) if result.get() == "null" => Err(error_of(error)),
            (Some(_), Some(_)) => Err(ClientError::bad_response("it has both a result and an error")),
            (None, Some(result)) => Ok(result.to_owned()),
            (None, None) => Err(ClientError::bad_response("it has neither a result nor an error")),
        }
    }
}

/// Returns the result of one response object, whatever its id is.
#[cfg(any(feature = "http", feature = "websocket"))]
pub(crate) fn of_object(json: &str) -> RawResult {
    ResponseObject::parse(json.trim_ascii())?.result()
}

/// Reads an error object.
pub(crate) fn error_of(raw: &RawValue) -> ClientError {
    let object: ErrorObject<'_> = match serde_json::from_str(raw.get()) {
        Ok(object) => object,
        Err(error) => return ClientError::bad_response(format!("its error is not an error object: {error}")),
    };
    let error = RpcError::new(object.code, object.message);
    ClientError::from_server(match object.data {
        Some(data) => error.with_data(data),
        None => error,
    })
}

fn text(received: &TransportResponse) -> Result<&str, ClientError> {
    let text = std::str::from_utf8(&received.body).map_err(|_| ClientError::bad_response("it is not UTF-8"))?;
    Ok(text.trim_matches([' ', '\t', '\n', '\r']))
}

fn single(received: &TransportResponse, id: Option<u64>) -> RawResult {
    let json = text(received)?;
    let Some(id) = id else { return notification(json, received) };
    if json.is_empty() {
        return Err(ClientError::bad_response("it is empty"));
    }
    let response = ResponseObject::parse(json)?;
    match response.result() {
        result if response.has_id(id) => result,
        // The server could not read the id of the request.
        Err(error) if response.has_no_id() => Err(error),
        _ => Err(ClientError::bad_response("it is the response to another call")),
    }
}

/// Reads the response to a notification. Usually there is none. A server may return an error if it
/// rejected the whole body, and the older dialects return "received".
fn notification(json: &str, received: &TransportResponse) -> RawResult {
    match ResponseObject::parse(json).and_then(|response| response.result()) {
        Err(error) if !matches!(error, ClientError::BadResponse(_)) => Err(error),
        _ if received.remark.is_some() => Err(ClientError::bad_response("the notification was not accepted")),
        _ => Ok(RawValue::NULL.to_owned()),
    }
}

/// Reads the response to a batch.
///
/// # Errors
/// Returns an error of the body as a whole, which applies to all requests.
fn batch(received: &TransportResponse, requests: &[&RequestObject]) -> Result<Vec<RawResult>, ClientError> {
    let json = text(received)?;
    let calls = requests.iter().filter(|request| request.id.is_some()).count();
    if json.starts_with('{') {
        // The server rejected the batch as a whole: it is too large, or the server accepts no
        // batches.
        return match ResponseObject::parse(json)?.result() {
            Err(error) => Err(error),
            Ok(_) if calls == 0 => Ok(requests.iter().map(|_| Ok(RawValue::NULL.to_owned())).collect()),
            Ok(_) => Err(ClientError::bad_response("it is one result for a whole batch")),
        };
    }
    if json.is_empty() && calls == 0 {
        return requests.iter().map(|_| notification(json, received)).map(|accepted| accepted.map(Ok)).collect();
    }
    let members: Vec<&RawValue> = serde_json::from_str(json)
        .map_err(|error| ClientError::bad_response(format!("it is not a response to a batch: {error}")))?;
    let mut results: HashMap<u64, RawResult> = HashMap::with_capacity(members.len());
    for member in members {
        // A response that cannot be read, or has no id, belongs to no call. The call without a
        // response gets an error below.
        let Ok(response) = ResponseObject::parse(member.get()) else { continue };
        let Some(id) = response.id.and_then(|id| id.get().parse().ok()) else { continue };
        let result = response.result();
        results
            .entry(id)
            .and_modify(|first| *first = Err(ClientError::bad_response("it has two responses to one call")))
            .or_insert(result);
    }
    let result = |request: &&RequestObject| match request.id {
        None => Ok(RawValue::NULL.to_owned()),
        Some(id) => results
            .remove(&id)
            .unwrap_or_else(|| Err(ClientError::bad_response("it has no response to this call of the batch"))),
    };
    Ok(requests.iter().map(result).collect())
}

#[cfg(test)]
mod tests;
