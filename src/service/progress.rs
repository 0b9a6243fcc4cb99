//! How far a call is, for a caller that asks for it.

use std::fmt;
use std::sync::Arc;

use callbox_client::ProgressReport;

use crate::jsonrpc::RpcError;

use super::{CallContext, FromCall, ProgressSlot};

/// Tells the caller how far a call is. A method takes a `&Progress`; callers do not send it.
///
/// A caller asks for reports by [`Call::on_progress`](crate::client::Call::on_progress), or over a
/// WebSocket with `_meta.progressToken` among the parameters. For any other call a report does
/// nothing, and costs next to nothing.
///
/// ```
/// use callbox::{Progress, service};
///
/// struct Importer;
///
/// #[service(name = "importer")]
/// impl Importer {
///     /// Imports files, and returns how many.
///     #[public_method]
///     async fn import(&self, files: Vec<String>, progress: &Progress) -> usize {
///         for (done, file) in files.iter().enumerate() {
///             progress.report(done as u64, files.len() as u64, file);
///             // … reads the file …
///         }
///         files.len()
///     }
/// }
/// ```
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<ProgressSlot>>);

impl Progress {
    /// Reports that `done` of `total` steps are done, with a message such as the name of the next
    /// one. `total` is a number, or `None` if it is not known.
    ///
    /// Never waits. Only the newest report is kept until it is sent, and at most 20 are sent in a
    /// second.
    pub fn report(&self, done: u64, total: impl Into<Option<u64>>, message: impl fmt::Display) {
        if let Some(slot) = &self.0 {
            slot.put(ProgressReport::new(done, total.into(), message.to_string()));
        }
    }

    /// Whether the caller has asked for reports.
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }
}

impl FromCall for Progress {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        Ok(Self(call.progress.clone()))
    }

    const READS_REQUEST: bool = false;

    const NEEDS_CALLER: bool = false;

    const REPORTS_PROGRESS: bool = true;
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("is_wanted", &self.is_wanted()).finish()
    }
}
