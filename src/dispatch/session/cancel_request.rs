//! The notification that cancels a call.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::jsonrpc::RpcRequest;

/// Its method.
pub(crate) const CANCEL: &str = "$/cancelRequest";

/// Returns the id of the call that a request cancels, as its caller wrote it.
pub(super) fn cancelled_id<'a>(request: &RpcRequest<'a>) -> Option<&'a str> {
    #[derive(Deserialize)]
    struct CancelParams<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    let params = request.params.filter(|_| request.method == CANCEL)?;
    // It is read from an array as well. Whatever else is sent cancels nothing.
    let CancelParams { id } = serde_json::from_str(params).ok()?;
    Some(id.get())
}
