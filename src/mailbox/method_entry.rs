//! What is known of one method while its service runs: name, options, mailbox, and measurements.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::measure::{Charge, Meter};
use crate::service::{CallerLimit, ErrorList, Handles, Message, MethodKind, MethodOptions, StreamUse};
use crate::sync::{Arc, AtomicU32, Ordering};

use super::bounded_counter::BoundedCounter;
use super::mailbox_share::MailboxShare;
use super::quota::MailboxSlots;
use super::shedding::Shedding;

/// Everything about one method that does not depend on its Rust types.
pub(crate) struct MethodEntry {
    /// Number of the method, unique in the process and never 0.
    pub(crate) number: u32,
    /// Name as callers write it, with the namespace.
    pub(crate) name: &'static str,
    pub(crate) kind: MethodKind,
    pub(crate) options: MethodOptions,
    pub(crate) params: &'static [&'static str],
    /// Index of its mailbox, which the methods of a group share.
    pub(crate) mailbox: usize,
    /// Slots of that mailbox.
    pub(crate) slots: Arc<MailboxSlots>,
    pub(crate) charge: Arc<Charge>,
    pub(crate) weight: u32,
    pub(crate) shedding: Arc<Shedding>,
    /// Limits the number of async `&self` calls that run at the same time.
    pub(crate) in_flight: Arc<BoundedCounter>,
    /// Limits the number of calls of one caller, if the method does.
    pub(crate) caller_limit: Option<Arc<CallerLimit>>,
    pub(crate) meter: Meter,
    pub(crate) params_schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) result_schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) errors: fn(&mut ErrorList<'_>),
}

impl MethodEntry {
    /// Creates the entry of a method with this name and these options, whose calls wait in the
    /// mailbox of `share`.
    pub(crate) fn new<S: Handles<M>, M: Message<Output: JsonSchema> + JsonSchema>(
        name: &'static str,
        mut options: MethodOptions,
        share: &MailboxShare,
    ) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // Deadline, idempotence and subscription are those of the message.
        options.deadline = M::DEADLINE;
        options.idempotent = M::IDEMPOTENT;
        options.streams = M::SUBSCRIPTION.map_or(StreamUse::Nothing, StreamUse::Subscribes);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            name,
            kind: S::HANDLER.kind(),
            in_flight: Arc::new(BoundedCounter::new(options.in_flight)),
            caller_limit: options.per_caller.map(CallerLimit::new),
            options,
            params: M::PARAMS,
            mailbox: share.index,
            slots: Arc::clone(&share.slots),
            charge: Arc::clone(&share.charge),
            weight: share.weight,
            shedding: Arc::clone(&share.shedding),
            meter: Meter::new(),
            params_schema: M::json_schema,
            result_schema: SchemaGenerator::subschema_for::<M::Output>,
            errors: M::errors,
        }
    }
}

impl AsRef<Meter> for MethodEntry {
    fn as_ref(&self) -> &Meter {
        &self.meter
    }
}

impl fmt::Debug for MethodEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MethodEntry").field("name", &self.name).field("options", &self.options).finish_non_exhaustive()
    }
}
