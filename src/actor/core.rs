//! What the callers' side and the host of one service share.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use actix::Addr;
use tokio::sync::watch;

use crate::jsonrpc::RpcError;
use crate::mailbox::{
    Ahead, Bell, Call, Charge, Count, Entry, Full, Limit, Mailbox, Quota, SERVICE_BYTES, SERVICE_CALLS, Slot, full,
    hopeless,
};
use crate::service::{
    CallContext, Kind, Link, Method, MethodOptions, MethodTable, Refusal, Route, Service, ServiceId, Why,
};
use crate::sync::{Arc, AtomicU8, Mutex, Ordering};

use super::compute::Pool;
use super::host::Host;
use super::in_flight::SERVICE_IN_FLIGHT;
use super::job::{Job, QueuedJob};
use super::route::MethodRoute;
use super::settled::Settled;
use super::state::{Desk, StateLock};
use super::stats::{MethodStats, ServiceStats};

/// Where calls run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Where they arrive, when the service is idle and the method is short; on the service's own thread otherwise. The default.
    #[default]
    Inline,
    /// Always on the service's own thread, as with a plain actor.
    Actor,
}

/// What a service is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Status {
    Starting,
    Up,
    /// Its state could not be made, or was lost too often; tried again by and by.
    Down,
    /// Runs what it has admitted, and admits no more.
    Draining,
    /// The time to drain is over.
    Cut,
    Stopped,
}

impl Status {
    const ALL: [Self; 6] = [Self::Starting, Self::Up, Self::Down, Self::Draining, Self::Cut, Self::Stopped];
}

/// Everything of one service that is not on the host's own thread.
pub(crate) struct Core<S: Service> {
    pub(crate) id: ServiceId,
    /// The chain of a call that comes from outside: this service alone.
    pub(crate) root: Arc<Link>,
    pub(crate) state: StateLock<S>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) mailboxes: Box<[Mailbox<QueuedJob<S>>]>,
    pub(crate) in_flight: Arc<Limit>,
    pub(crate) pool: Pool,
    /// What runs on the pool.
    pub(crate) on_pool: Mutex<Vec<Arc<dyn Job<S>>>>,
    pub(crate) placement: Placement,
    entries: Vec<Arc<Entry>>,
    routes: Vec<MakeRoute<S>>,
    by_type: HashMap<TypeId, Arc<Entry>, BuildHasherDefault<TypeIdHasher>>,
    pub(crate) settled: Settled,
    addr: Mutex<Option<Addr<Host<S>>>>,
    /// How often the state was made anew, or the host was.
    pub(crate) restarts: Count,
    status: AtomicU8,
    status_seen: watch::Sender<Status>,
}

impl<S: Service> Core<S> {
    pub(crate) fn new(table: Table<S>, pool: Pool, placement: Placement) -> Arc<Self> {
        let id = ServiceId::fresh();
        let bell = Arc::new(Bell::new(table.mailboxes.len()));
        let desk = Desk::new(Arc::clone(&bell));
        Arc::new(Self {
            id,
            root: Link::new(id, S::NAME, None),
            state: StateLock::new(Arc::clone(&desk)),
            desk,
            quota: Quota::new(SERVICE_CALLS, SERVICE_BYTES, bell),
            mailboxes: table.mailboxes.into(),
            in_flight: Arc::new(Limit::new(SERVICE_IN_FLIGHT)),
            pool,
            on_pool: Mutex::new(Vec::new()),
            placement,
            entries: table.entries,
            routes: table.routes,
            by_type: table.by_type,
            settled: Settled::default(),
            addr: Mutex::new(None),
            restarts: Count::default(),
            status: AtomicU8::new(Status::Starting as u8),
            status_seen: watch::Sender::new(Status::Starting),
        })
    }

    /// The routes of all methods, in the order of the service's table.
    pub(crate) fn routes(self: &Arc<Self>) -> impl Iterator<Item = Arc<dyn Route>> {
        self.entries.iter().zip(&self.routes).map(|(entry, make)| make(self, entry))
    }

    /// The entry of a message type; `None` if the service's table does not list it.
    pub(crate) fn entry<M: Method<Service = S>>(&self) -> Option<&Arc<Entry>> {
        self.by_type.get(&TypeId::of::<M>())
    }

    pub(crate) fn status(&self) -> Status {
        Status::ALL[usize::from(self.status.load(Ordering::Acquire))]
    }

    pub(crate) fn set_status(&self, status: Status) {
        self.status.store(status as u8, Ordering::Release);
        self.status_seen.send_replace(status);
        self.desk.bell.nudge();
    }

    /// Sets the status unless a stop was asked for. Whether it did.
    pub(crate) fn run_status(&self, status: Status) -> bool {
        let free = |now: u8| (now < Status::Draining as u8).then_some(status as u8);
        let set = self.status.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).is_ok();
        if set {
            self.status_seen.send_replace(self.status());
        }
        set
    }

    /// The host's address, while there is a host.
    pub(crate) fn addr(&self) -> Option<Addr<Host<S>>> {
        self.addr.lock().clone()
    }

    pub(crate) fn set_addr(&self, addr: Option<Addr<Host<S>>>) {
        *self.addr.lock() = addr;
    }

    /// Waits until the status is one of those that `wanted` accepts.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Status) -> bool) -> Status {
        let mut seen = self.status_seen.subscribe();
        seen.wait_for(wanted).await.map_or(Status::Stopped, |status| *status)
    }

    /// Lets a call in, or says why not: the service is down, a limit is reached, or the work in front is too much.
    pub(crate) fn admit(&self, entry: &Entry, call: &CallContext, bytes: usize) -> Result<Slot, Refusal> {
        if !matches!(self.status(), Status::Up) {
            return Err(Refusal { why: Why::Unavailable, error: RpcError::unavailable() });
        }
        let mailbox = &self.mailboxes[entry.mailbox];
        let ahead = self.ahead(entry, mailbox);
        if ahead.depth > 0 && ahead.is_hopeless(call.remaining()) {
            return Err(hopeless(&entry.name, mailbox.slots().most(), ahead));
        }
        self.quota.take(mailbox.slots(), bytes).map_err(|limit| {
            let capacity = if limit == Full::Mailbox { mailbox.slots().most() } else { SERVICE_CALLS };
            full(&entry.name, limit.reason(), capacity, ahead)
        })
    }

    fn ahead(&self, entry: &Entry, mailbox: &Mailbox<QueuedJob<S>>) -> Ahead {
        let depth = mailbox.slots().used();
        let usual = entry.meter.cost.usual();
        let busy = |mailbox: &&Mailbox<_>| mailbox.slots().used() > 0;
        Ahead {
            depth,
            usual: if entry.kind == Kind::Compute { usual / self.pool.threads() } else { usual },
            samples: entry.meter.cost.samples(),
            weight: mailbox.weight(),
            // Nobody in front: no need to ask who else is busy.
            weights: if depth == 0 { 0 } else { self.mailboxes.iter().filter(busy).map(Mailbox::weight).sum() },
        }
    }

    /// Puts an admitted call into its mailbox. If the mailbox has closed meanwhile, the call is answered -32003.
    pub(crate) fn push<M: Method<Service = S>>(&self, call: Arc<Call<M>>) {
        let mailbox = &self.mailboxes[call.entry().mailbox];
        if let Err(QueuedJob(job)) = mailbox.push(QueuedJob(call), &self.desk.bell) {
            job.turn_away();
        }
    }

    pub(crate) fn open_mailboxes(&self) {
        self.mailboxes.iter().for_each(Mailbox::open);
    }

    /// Closes all mailboxes and answers -32003 to what waits in them.
    pub(crate) fn close_mailboxes(&self) {
        for mailbox in &self.mailboxes {
            for QueuedJob(job) in mailbox.close() {
                job.turn_away();
            }
        }
    }

    /// The time to drain is over: answers -32003 to what waits, and -32603 to what runs. A sync method, or one on the worker
    /// pool, cannot be ended; its caller can be told. A call that the host is inside of is in its mailbox's ring still.
    pub(crate) fn cut_off(&self) {
        for mailbox in &self.mailboxes {
            for QueuedJob(job) in mailbox.close() {
                job.turn_away();
                job.cut_off();
            }
        }
        let on_pool = self.on_pool.lock().clone();
        on_pool.iter().for_each(|job| job.cut_off());
    }

    /// What has become of the calls of each method, and how full its mailbox is.
    pub(crate) fn stats(&self) -> ServiceStats {
        let stats = |entry: &Arc<Entry>| {
            let slots = self.mailboxes[entry.mailbox].slots();
            MethodStats::new(entry, slots.used(), slots.most())
        };
        ServiceStats {
            service: S::NAME.to_owned(),
            is_up: self.status() == Status::Up,
            restarts: self.restarts.get(),
            methods: self.entries.iter().map(stats).collect(),
        }
    }

    /// Whether nothing is admitted that has not ended, as far as the mailboxes know.
    pub(crate) fn is_idle(&self) -> bool {
        self.quota.calls() == 0 && self.in_flight.used() == 0 && self.pool.is_idle()
    }
}

impl<S: Service> fmt::Debug for Core<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("service", &S::NAME).field("status", &self.status()).finish_non_exhaustive()
    }
}

/// A service's methods as it lists them, with their mailboxes.
pub(crate) struct Table<S: Service> {
    entries: Vec<Arc<Entry>>,
    by_type: HashMap<TypeId, Arc<Entry>, BuildHasherDefault<TypeIdHasher>>,
    mailboxes: Vec<Mailbox<QueuedJob<S>>>,
    /// Methods before their mailboxes are made: a group's capacity and weight are known only at the end.
    listed: Vec<Listed<S>>,
    routes: Vec<MakeRoute<S>>,
}

/// A method's route, once there is a core.
type MakeRoute<S> = fn(&Arc<Core<S>>, &Arc<Entry>) -> Arc<dyn Route>;

struct Listed<S: Service> {
    message: TypeId,
    options: MethodOptions,
    make: fn(Arc<str>, MethodOptions, usize, Arc<Charge>) -> Entry,
    route: MakeRoute<S>,
    name: &'static str,
}

impl<S: Service> Table<S> {
    /// Asks the service for its methods.
    pub(crate) fn of_service() -> Self {
        let mut table = Self {
            entries: Vec::new(),
            by_type: HashMap::default(),
            mailboxes: Vec::new(),
            listed: Vec::new(),
            routes: Vec::new(),
        };
        S::methods(&mut table);
        table.make_mailboxes();
        table
    }

    fn make_mailboxes(&mut self) {
        let mut groups: HashMap<&'static str, usize> = HashMap::new();
        for Listed { message, options, make, route, name } in std::mem::take(&mut self.listed) {
            let index = options.group.and_then(|group| groups.get(group).copied()).unwrap_or(self.mailboxes.len());
            if index == self.mailboxes.len() {
                self.mailboxes.push(Mailbox::new(index, options.mailbox, options.weight));
                groups.extend(options.group.map(|group| (group, index)));
            } else {
                self.mailboxes[index].raise(options.mailbox, options.weight);
            }
            let full_name = match S::NAMESPACE {
                Some(namespace) => format!("{namespace}.{name}").into(),
                None => name.into(),
            };
            let entry = Arc::new(make(full_name, options, index, Arc::clone(self.mailboxes[index].charge())));
            self.by_type.insert(message, Arc::clone(&entry));
            self.entries.push(entry);
            self.routes.push(route);
        }
    }
}

impl<S: Service> MethodTable<S> for Table<S> {
    fn add<M: Method<Service = S>>(&mut self, options: MethodOptions) {
        self.listed.push(Listed {
            message: TypeId::of::<M>(),
            options,
            make: Entry::new::<M>,
            route: MethodRoute::<M>::shared,
            name: M::NAME,
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
