//! A service's methods as it lists them, and the mailboxes that these need.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use crate::mailbox::{Bell, Entry, Mailbox, Places, Quota, SERVICE_BYTES, SERVICE_CALLS};
use crate::route::Route;
use crate::service::{Kind, Method, MethodOptions, MethodTable, Service, full_name};
use crate::sync::Arc;

use super::core::Core;
use super::job::QueuedJob;
use super::method_route::MethodRoute;
use super::run::watch;

/// A service's methods.
pub(crate) struct Table<S: Service> {
    entries: Vec<Arc<Entry>>,
    routes: Vec<MakeRoute<S>>,
    by_type: HashMap<TypeId, Arc<Entry>, BuildHasherDefault<TypeIdHasher>>,
}

/// A method's route, once there is a core.
type MakeRoute<S> = fn(&Arc<Core<S>>, &Arc<Entry>) -> Arc<dyn Route>;

/// What the calls of a service wait in.
pub(crate) struct Engine<S: Service> {
    pub(crate) mailboxes: Box<[Mailbox<QueuedJob<S>>]>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) bell: Arc<Bell>,
}

impl<S: Service> Table<S> {
    /// Asks the service for its methods, and makes their mailboxes.
    pub(crate) fn of_service() -> (Self, Engine<S>) {
        let mut list = List { methods: Vec::new(), mailboxes: Vec::new(), groups: HashMap::new() };
        S::methods(&mut list);
        let List { methods, mailboxes: plans, .. } = list;
        let bell = Arc::new(Bell::new(plans.len()));
        let quota = Quota::new(SERVICE_CALLS, SERVICE_BYTES, Arc::clone(&bell));
        let mailbox = |(index, Plan { capacity, weight }): (usize, Plan)| {
            Mailbox::new(index, Places::new(capacity, Arc::clone(&quota)), weight)
        };
        let mailboxes: Box<[_]> = plans.into_iter().enumerate().map(mailbox).collect();
        let mut table = Self { entries: Vec::new(), routes: Vec::new(), by_type: HashMap::default() };
        for Listed { message, name, options, mailbox, entry, route } in methods {
            let entry = Arc::new(entry(full_name(S::NAMESPACE, name), options, &mailboxes[mailbox]));
            // A compute method is there to hold a thread of the pool.
            if entry.kind != Kind::Compute {
                watch::register(&entry);
            }
            table.by_type.insert(message, Arc::clone(&entry));
            table.entries.push(entry);
            table.routes.push(route);
        }
        (table, Engine { mailboxes, quota, bell })
    }

    pub(crate) fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    pub(crate) fn entry<M: Method<Service = S>>(&self) -> Option<&Arc<Entry>> {
        self.by_type.get(&TypeId::of::<M>())
    }

    pub(crate) fn routes(&self, core: &Arc<Core<S>>) -> impl Iterator<Item = Arc<dyn Route>> {
        self.entries.iter().zip(&self.routes).map(|(entry, make)| make(core, entry))
    }
}

impl<S: Service> fmt::Debug for Table<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| entry.name)).finish()
    }
}

/// Methods before their mailboxes are made: the capacity and weight of a group are known only at the end.
struct List<S: Service> {
    methods: Vec<Listed<S>>,
    mailboxes: Vec<Plan>,
    groups: HashMap<&'static str, usize>,
}

/// A mailbox that is to be.
struct Plan {
    capacity: usize,
    weight: u32,
}

struct Listed<S: Service> {
    message: TypeId,
    name: &'static str,
    options: MethodOptions,
    mailbox: usize,
    entry: fn(&'static str, MethodOptions, &Mailbox<QueuedJob<S>>) -> Entry,
    route: MakeRoute<S>,
}

impl<S: Service> MethodTable<S> for List<S> {
    fn add<M: Method<Service = S>>(&mut self, options: MethodOptions) {
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
            entry: Entry::new::<M, QueuedJob<S>>,
            route: MethodRoute::<M>::shared,
        });
    }
}

/// A `TypeId` is a hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

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
