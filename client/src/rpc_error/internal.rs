//! Internal errors: the caller gets an id, and the log has the cause under this id.

use std::collections::HashMap;
use std::fmt::Display;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::log::{LogThrottle, caught, discard, left_out};
use crate::request_number::RequestNumber;
use crate::request_scope::current_request_id;

use super::{RpcError, code};

#[doc(hidden)]
impl RpcError {
    /// Returns -32603 with a correlation id. `cause` is written to the log under that id and
    /// nowhere else, as [`log_cause`] describes.
    #[track_caller]
    pub fn internal(cause: &dyn Display) -> Self {
        Self::with_id(log_cause(ErrorOrigin::Place(Location::caller()), cause))
    }

    /// The same for a cause in a method, or in writing its response.
    pub fn internal_in(method: &'static str, cause: &dyn Display) -> Self {
        Self::with_id(log_cause(ErrorOrigin::Method(method), cause))
    }

    fn with_id(correlation_id: String) -> Self {
        #[derive(Serialize)]
        struct InternalData {
            correlation_id: String,
        }
        Self::new(code::INTERNAL, "Internal error").with_data(&InternalData { correlation_id })
    }

    /// Returns -32603 for a method whose result cannot be represented in JSON.
    pub fn unwritable(method: &'static str, cause: &dyn Display) -> Self {
        Self::internal_in(method, &format_args!("the result of {method} cannot be written as JSON: {cause}"))
    }
}

/// Minimum time between two logged errors of one origin.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Where an internal error comes from. Causes of one origin are likely to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ErrorOrigin {
    /// A method, by its name.
    Method(&'static str),
    /// A line in callbox.
    Place(&'static Location<'static>),
}

/// When the causes of each origin were last logged. There are as many origins as methods, and a few
/// lines of callbox.
static LAST_LOGGED: LazyLock<Mutex<HashMap<ErrorOrigin, LogThrottle>>> = LazyLock::new(Mutex::default);

/// Whether every cause is logged as an error.
static LOG_ALL: AtomicBool = AtomicBool::new(false);

/// Logs every cause from now on: in tests a second is a long time, and their callers are not
/// hostile.
pub fn log_all_causes() {
    LOG_ALL.store(true, Ordering::Relaxed);
}

/// Logs the cause of an internal error, and returns the id under which it is found: that of the
/// request, if there is one, else one of its own.
///
/// For one origin this logs an error at once, and then at most one a second, with the number of
/// those left out: a caller may cause thousands a second. At the debug level there is a line for
/// each.
fn log_cause(origin: ErrorOrigin, cause: &dyn Display) -> String {
    let id = current_request_id().unwrap_or_else(|| RequestNumber::fresh().id()).to_string();
    let due = || {
        LAST_LOGGED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(origin)
            .or_insert_with(|| LogThrottle::new(LOG_INTERVAL))
            .record_now()
    };
    let times = if LOG_ALL.load(Ordering::Relaxed) { Some(1) } else { due() };
    if let Some(times) = times {
        log_error!(correlation_id = %id, cause = %text(cause), left_out = left_out(times), "internal error");
    } else {
        log_debug!(correlation_id = %id, cause = %text(cause), "internal error");
    }
    id
}

/// Returns the text of a cause, which may be an error type of the user's program.
fn text(cause: &dyn Display) -> String {
    caught(|| cause.to_string()).unwrap_or_else(|panic| {
        discard(panic);
        "(an error whose text panicked)".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_error_has_an_id_and_not_its_cause() {
        let first = RpcError::internal(&"the password is hunter2");
        let text = serde_json::to_string(&first).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert_ne!(first, RpcError::internal(&"again"), "ids differ");
    }
}
