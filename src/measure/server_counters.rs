//! What is counted of a server, and belongs to no method.

use crate::auth::CheckedTokens;
use crate::sync::Arc;

use super::connections::ConnectionCounters;
#[cfg(feature = "nats")]
use super::nats_counters::NatsCounters;
use super::refused_requests::RefusedRequests;

/// The counters of a server. Cheap to clone: clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerCounters {
    pub(crate) connections: Arc<ConnectionCounters>,
    pub(crate) refused: Arc<RefusedRequests>,
    pub(crate) tokens: Arc<CheckedTokens>,
    #[cfg(feature = "nats")]
    pub(crate) nats: Arc<NatsCounters>,
}
