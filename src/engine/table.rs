//! The methods of a service as it lists them, and the mailboxes that they need.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use schemars::JsonSchema;

use crate::mailbox::{Bell, MailboxShare, MailboxSlots, MethodEntry, Quota, SERVICE_BYTES, SERVICE_CALLS};
use crate::measure::Counter;
use crate::service::{Handles, Message, MethodKind, MethodOptions, MethodTable, Ready, Service, full_name};
use crate::sync::Arc;

use super::run::watch;

/// The methods of a service.
pub(crate) struct Table {
    entries: Vec<Arc<MethodEntry>>,
    /// The entry of the question whether the service is ready, which is no method of the user's.
    ready: Option<Arc<MethodEntry>>,
    by_type: HashMap<TypeId, Arc<MethodEntry>, BuildHasherDefault<TypeIdHasher>>,
    mailboxes: Box<[MailboxShare]>,
    /// Numbers of the mailboxes that have async methods. The time of their calls is measured where
    /// they are polled, so it is charged apart.
    async_mailboxes: Vec<usize>,
}

impl Table {
    /// Collects the methods of a service, with what their mailboxes share and the limits of all of
    /// them.
    pub(crate) fn of_service<S: Service>() -> (Self, Arc<Quota>, Arc<Bell>) {
        let mut list = List::default();
        S::methods(&mut list);
        if S::CHECKS_READY {
            list.add_hidden::<S>();
        }
        Self::of_list(list, S::NAMESPACE)
    }

    fn of_list(
        List { methods, mailboxes: plans, .. }: List,
        namespace: Option<&'static str>,
    ) -> (Self, Arc<Quota>, Arc<Bell>) {
        let bell = Arc::new(Bell::new(plans.len()));
        let quota = Quota::new(SERVICE_CALLS, SERVICE_BYTES, Arc::clone(&bell));
        let share = |(index, Plan { capacity, weight }): (usize, Plan)| {
            MailboxShare::new(index, MailboxSlots::new(capacity, Arc::clone(&quota)), weight)
        };
        let mailboxes = plans.into_iter().enumerate().map(share).collect();
        let mut table = Self {
            entries: Vec::new(),
            ready: None,
            by_type: HashMap::default(),
            mailboxes,
            async_mailboxes: Vec::new(),
        };
        for Listed { message, name, options, mailbox, entry } in methods {
            let entry = Arc::new(entry(full_name(namespace, name), options, &table.mailboxes[mailbox]));
            // A compute method may hold its thread: that is what the pool is for.
            if entry.kind != MethodKind::Compute {
                watch::register(&entry);
            }
            table.by_type.insert(message, Arc::clone(&entry));
            if message == TypeId::of::<Ready>() {
                table.ready = Some(entry);
            } else {
                table.entries.push(entry);
            }
        }
        let is_async = |entry: &&Arc<MethodEntry>| matches!(entry.kind, MethodKind::ReadAsync | MethodKind::WriteAsync);
        table.async_mailboxes = table.all_entries().filter(is_async).map(|entry| entry.mailbox).collect();
        table.async_mailboxes.sort_unstable();
        table.async_mailboxes.dedup();
        (table, quota, bell)
    }

    /// Returns what each mailbox shares.
    pub(crate) fn mailboxes(&self) -> &[MailboxShare] {
        &self.mailboxes
    }

    /// Returns the weight of each mailbox.
    pub(crate) fn weights(&self) -> impl Iterator<Item = u32> {
        self.mailboxes.iter().map(|mailbox| mailbox.weight)
    }

    /// Takes what the async calls of each mailbox have used since the last time, in nanoseconds.
    pub(crate) fn take_async_charges(&self) -> impl Iterator<Item = (usize, u64)> {
        self.async_mailboxes.iter().map(|index| (*index, self.mailboxes[*index].charge.take()))
    }

    /// Returns the entries in the order of the table.
    pub(crate) fn entries(&self) -> &[Arc<MethodEntry>] {
        &self.entries
    }

    /// Returns the entries of everything that runs, also of what is no method of the user's.
    pub(crate) fn all_entries(&self) -> impl Iterator<Item = &Arc<MethodEntry>> {
        self.entries.iter().chain(&self.ready)
    }

    /// Returns the entry of a message type; `None` if the table does not list it.
    pub(crate) fn entry<M: Message>(&self) -> Option<&Arc<MethodEntry>> {
        self.by_type.get(&TypeId::of::<M>())
    }

    /// The names of the methods, by the types of their messages.
    #[cfg(feature = "testing")]
    pub(crate) fn names(&self) -> impl Iterator<Item = (TypeId, &'static str)> {
        let of_user = |(message, _): &(&TypeId, _)| **message != TypeId::of::<Ready>();
        self.by_type.iter().filter(of_user).map(|(message, entry)| (*message, entry.name))
    }

    /// Returns the names of the methods of which calls run.
    pub(crate) fn running(&self) -> Vec<&'static str> {
        let runs = |entry: &&Arc<MethodEntry>| entry.meter.counters.get(Counter::Running) > 0;
        self.all_entries().filter(runs).map(|entry| entry.name).collect()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| entry.name)).finish()
    }
}

/// Collects methods before their mailboxes are created: the capacity and weight of a group are
/// known only at the end.
#[derive(Default)]
struct List {
    methods: Vec<Listed>,
    mailboxes: Vec<Plan>,
    groups: HashMap<&'static str, usize>,
}

/// The options of a mailbox before it is created.
struct Plan {
    capacity: usize,
    weight: u32,
}

impl List {
    /// Adds the question whether the service is ready.
    fn add_hidden<S: Service>(&mut self) {
        MethodTable::<S>::add::<Ready>(self, MethodOptions::public().mailbox(16));
    }
}

struct Listed {
    message: TypeId,
    name: &'static str,
    options: MethodOptions,
    mailbox: usize,
    entry: fn(&'static str, MethodOptions, &MailboxShare) -> MethodEntry,
}

impl<S: Service> MethodTable<S> for List {
    fn add<M: Message<Output: JsonSchema> + JsonSchema>(&mut self, options: MethodOptions)
    where
        S: Handles<M>,
    {
        let next = self.mailboxes.len();
        let mailbox = options.group.map_or(next, |group| *self.groups.entry(group).or_insert(next));
        if mailbox == next {
            self.mailboxes.push(Plan { capacity: options.mailbox, weight: options.weight });
        }
        let plan = &mut self.mailboxes[mailbox];
        plan.capacity = plan.capacity.max(options.mailbox);
        plan.weight = plan.weight.max(options.weight);
        self.methods.push(Listed {
            message: TypeId::of::<M>(),
            name: M::NAME,
            options,
            mailbox,
            entry: MethodEntry::new::<S, M>,
        });
    }
}

/// Passes a `TypeId` through, which is a hash already.
#[derive(Default)]
pub(super) struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = self.0.rotate_left(5) ^ u64::from_ne_bytes(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
