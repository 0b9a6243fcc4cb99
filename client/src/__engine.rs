//! Items that callbox's engine uses. Not part of the interface: they change without notice.

#[cfg(feature = "actix-web")]
pub use crate::actix::status_of;
pub use crate::ambient::{Awaited, Current, CurrentGuard, Link, ServiceId};
pub use crate::ambient_request::{AmbientRequest, RequestRef};
pub use crate::call_trace::{
    CallSpan, CallTrace, SpanReader, has_clients, note_client, read_spans_by, trace_for_calls,
};
pub use crate::directory::{Directory, GivenClient, ServiceNeed};
#[cfg(feature = "schemas")]
pub use crate::error_list::DescribedError;
pub use crate::local::{Exchange, LocalOptions, LocalTarget, Started};
pub use crate::name::full_name;
#[cfg(feature = "nats")]
pub use crate::nats::{Connection as NatsConnection, NatsThread, subject, unique_id, wire};
pub use crate::params::read as read_params;
pub use crate::progress::{ProgressReport, ProgressSlot};
pub use crate::representable::write;
pub use crate::representable::{Unrepresentable, check};
pub use crate::request_number::RequestNumber;
pub use crate::request_scope::{LineContext, RequestScope, WithinRequest};
pub use crate::rpc_error::{RpcError, code, log_all_causes};
pub use crate::subscription::{Cursor, ItemSource, NextItem, Resumed, Shared, SourceEvent, SourceItem};

/// Logging that never panics.
pub mod log {
    pub use crate::log::{
        Caught, Harmless, LogThrottle, caught, count_lost_lines, discard, keep_lost_lines, left_out, lost_lines,
        panic_text, take_lost_lines, write_line,
    };
}
