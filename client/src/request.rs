//! Request objects and the bodies that contain them.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::representable::check;

use crate::call_meta::CallerMeta;
use crate::client_error::{Cause, ClientError};
use crate::stream::CallStreams;

/// A request object, which can be written any number of times. Without an id it is a notification.
#[derive(Debug)]
pub(crate) struct RequestObject {
    pub(crate) method: String,
    pub(crate) params: Option<Box<RawValue>>,
    pub(crate) id: Option<u64>,
    /// Whether it may be repeated after it may have run.
    pub(crate) idempotent: bool,
    /// What it gets besides its response.
    pub(crate) streams: CallStreams,
}

impl RequestObject {
    /// Makes a request without parameters.
    pub(crate) fn new(method: impl Into<String>, id: Option<u64>) -> Self {
        Self { method: method.into(), params: None, id, idempotent: false, streams: CallStreams::default() }
    }
}

/// Whether a body is one request object or an array of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyShape {
    Single,
    Batch,
}

impl Serialize for RequestObject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            jsonrpc: &'static str,
            method: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            params: Option<&'a RawValue>,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<u64>,
        }
        let wire = Wire { jsonrpc: "2.0", method: &self.method, params: self.params.as_deref(), id: self.id };
        wire.serialize(serializer)
    }
}

/// Writes parameters as JSON: an object or an array, or nothing for `()` and `null`.
pub(crate) fn params<T: Serialize + ?Sized>(params: &T) -> Result<Option<Box<RawValue>>, ClientError> {
    check_params(params)?;
    let raw = to_raw_value(params).map_err(|error| ClientError::Params(Cause::new(error)))?;
    match raw.get().as_bytes() {
        [b'{' | b'[', ..] => Ok(Some(raw)),
        b"null" => Ok(None),
        _ => Err(ClientError::Params(Cause::new("they are neither an object nor an array"))),
    }
}

/// Checks that parameters can be written as JSON, without writing them.
#[inline]
pub(crate) fn check_params<T: Serialize + ?Sized>(params: &T) -> Result<(), ClientError> {
    check(params).map_err(|error| ClientError::Params(Cause::new(error)))
}

/// Writes a body with these requests.
pub(crate) fn body(requests: &[&RequestObject], shape: BodyShape) -> Result<Vec<u8>, ClientError> {
    let written = match (shape, requests) {
        (BodyShape::Single, [only]) => serde_json::to_vec(only),
        _ => serde_json::to_vec(requests),
    };
    written.map_err(|error| ClientError::Params(Cause::new(error)))
}

/// Writes a body with these requests, in whose parameters the caller says this. Returns nothing if
/// there is nothing to say.
pub(crate) fn body_of_caller(requests: &[&RequestObject], shape: BodyShape, caller: CallerMeta<'_>) -> Option<Vec<u8>> {
    if caller.is_empty() {
        return None;
    }
    let with_meta = |request: &&RequestObject| {
        let params = caller.write_into(request.params.as_deref(), request.id.is_some());
        let params = params.or_else(|| request.params.clone());
        RequestObject { params, ..RequestObject::new(&*request.method, request.id) }
    };
    let requests: Vec<_> = requests.iter().map(with_meta).collect();
    body(&requests.iter().collect::<Vec<_>>(), shape).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn request(params: Option<Box<RawValue>>, id: Option<u64>) -> RequestObject {
        RequestObject { params, ..RequestObject::new("add", id) }
    }

    #[test]
    fn a_request_is_written_alone_or_in_an_array() {
        let call = request(params(&[1, 2]).unwrap(), Some(7));
        let text = |requests: &[&RequestObject], shape| String::from_utf8(body(requests, shape).unwrap()).unwrap();
        let alone = r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":7}"#;
        assert_eq!(text(&[&call], BodyShape::Single), alone);
        assert_eq!(text(&[&call], BodyShape::Batch), format!("[{alone}]"));
        let notification = request(params(&()).unwrap(), None);
        assert_eq!(
            text(&[&call, &notification], BodyShape::Batch),
            format!(r#"[{alone},{{"jsonrpc":"2.0","method":"add"}}]"#)
        );
    }

    #[test]
    fn parameters_are_an_object_or_an_array_or_none() {
        let raw = |value| params(&value).unwrap().map(|raw| raw.get().to_owned());
        assert_eq!(raw(json!({ "a": 1 })).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(raw(json!([])).as_deref(), Some("[]"));
        assert_eq!(raw(json!(null)), None);
        assert!(matches!(params("text"), Err(ClientError::Params(_))));
        assert!(matches!(params(&BTreeMap::from([((1, 2), 3)])), Err(ClientError::Params(_))));
        assert!(matches!(params(&[f64::NAN]), Err(ClientError::Params(_))), "NaN is not sent as null");
    }
}
