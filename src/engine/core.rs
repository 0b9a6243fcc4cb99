//! What the callers' side and the host of one service share.

use std::fmt;

use actix::Addr;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::mailbox::{
    Ahead, Entry, Full, Limit, Mailbox, Permit, Quota, SERVICE_BYTES, SERVICE_CALLS, full, hopeless, is_gathered,
    overdue,
};
use crate::measure::Count;
use crate::route::{Refusal, Route};
use crate::service::{CallContext, Kind, Method, Service, ServiceId};
use crate::sync::{Arc, AtomicU8, AtomicU64, Mutex, Ordering};

use super::host::Host;
use super::job::{Job, QueuedJob};
use super::run::in_flight::SERVICE_IN_FLIGHT;
use super::run::pool::Pool;
use super::settled::Settled;
use super::state::{Desk, StateLock};
use super::stats::{MethodStats, ServiceStats};
use super::table::{Engine, Table};

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
    /// Its first state is being made. What is admitted waits for it.
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

    fn admits(self) -> bool {
        matches!(self, Self::Starting | Self::Up)
    }
}

/// Everything of one service that is not on the host's own thread.
pub(crate) struct Core<S: Service> {
    pub(crate) id: ServiceId,
    pub(crate) state: StateLock<S>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) mailboxes: Box<[Mailbox<QueuedJob<S>>]>,
    /// Of all mailboxes together.
    weights: u32,
    pub(crate) in_flight: Arc<Limit>,
    pub(crate) pool: Pool,
    /// What runs on the pool.
    pub(crate) on_pool: Mutex<Vec<Arc<dyn Job<S>>>>,
    pub(crate) placement: Placement,
    table: Table<S>,
    pub(crate) settled: Settled,
    addr: Mutex<Option<Addr<Host<S>>>>,
    /// How often the state was made anew, or the host was.
    restarts: AtomicU64,
    status: AtomicU8,
    status_seen: watch::Sender<Status>,
}

impl<S: Service> Core<S> {
    /// The service's methods and mailboxes, which take calls; nothing runs yet.
    pub(crate) fn new(pool: Pool, placement: Placement) -> Arc<Self> {
        let (table, Engine { mailboxes, quota, bell }) = Table::of_service();
        let desk = Desk::new(bell);
        mailboxes.iter().for_each(Mailbox::open);
        Arc::new(Self {
            id: ServiceId::fresh(),
            state: StateLock::new(Arc::clone(&desk)),
            desk,
            quota,
            weights: mailboxes.iter().map(Mailbox::weight).fold(0, u32::saturating_add),
            mailboxes,
            in_flight: Arc::new(Limit::new(SERVICE_IN_FLIGHT)),
            pool,
            on_pool: Mutex::new(Vec::new()),
            placement,
            table,
            settled: Settled::default(),
            addr: Mutex::new(None),
            restarts: AtomicU64::new(0),
            status: AtomicU8::new(Status::Starting as u8),
            status_seen: watch::Sender::new(Status::Starting),
        })
    }

    /// The routes of all methods, in the order of the service's table.
    pub(crate) fn routes(self: &Arc<Self>) -> impl Iterator<Item = Arc<dyn Route>> {
        self.table.routes(self)
    }

    /// The entry of a message type; `None` if the service's table does not list it.
    pub(crate) fn entry<M: Method<Service = S>>(&self) -> Option<&Arc<Entry>> {
        self.table.entry::<M>()
    }

    pub(crate) fn entries(&self) -> &[Arc<Entry>] {
        self.table.entries()
    }

    /// The state was made anew, or the host was.
    pub(crate) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn status(&self) -> Status {
        Status::ALL[usize::from(self.status.load(Ordering::Acquire))]
    }

    pub(crate) fn set_status(&self, status: Status) {
        self.status.store(status as u8, Ordering::Release);
        self.status_seen.send_replace(status);
        self.desk.bell.nudge();
    }

    /// Stops the service if it has not got up yet. Whether it did: one that gets up at this moment has calls that wait, and is
    /// drained.
    pub(crate) fn stop_before_start(&self) -> bool {
        let (from, to) = (Status::Starting as u8, Status::Stopped as u8);
        let set = self.status.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if set {
            self.status_seen.send_replace(Status::Stopped);
            self.desk.bell.nudge();
        }
        set
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
    pub(crate) fn admit<'a>(
        &self,
        entry: &'a Entry,
        call: &CallContext,
        bytes: usize,
        now: Instant,
    ) -> Result<Permit<'a>, Refusal> {
        if !self.status().admits() {
            return Err(Refusal::unavailable());
        }
        let most = entry.places.most();
        let left = call.deadline.saturating_duration_since(now);
        // At first as if everybody were busy: nearly always even that is not too much, and who is need not be asked.
        let at_most = self.ahead(entry, entry.places.used_at_most(), self.weights);
        if at_most.depth > 0 && at_most.is_hopeless(left) {
            let ahead = self.ahead_now(entry);
            if ahead.depth > 0 && ahead.is_hopeless(left) {
                return Err(hopeless(entry.name, most, ahead));
            }
        }
        if let Some(overdue) = self.would_be_overdue(entry, now) {
            return Err(overdue);
        }
        entry.places.take(bytes).map_err(|limit| {
            let capacity = if limit == Full::Mailbox { most } else { SERVICE_CALLS };
            let ahead = self.ahead_now(entry);
            // What waits for room goes before it, too.
            let line = Ahead { depth: ahead.depth + entry.places.in_line(), ..ahead };
            let never_fits = limit == Full::Bytes && bytes > SERVICE_BYTES;
            if never_fits || line.is_hopeless(left) {
                hopeless(entry.name, capacity, line)
            } else {
                full(entry.name, limit, capacity, ahead)
            }
        })
    }

    /// The refusal of a call whose mailbox is overloaded, and who would wait longer there than it may.
    fn would_be_overdue(&self, entry: &Entry, now: Instant) -> Option<Refusal> {
        let (most, shedding) = (entry.options.max_wait?, self.mailboxes[entry.mailbox].shedding());
        let ahead = shedding.is_on(now).then(|| self.ahead_now(entry))?;
        (ahead.depth > 0 && ahead.is_hopeless(most)).then(|| {
            shedding.goes_on(now);
            overdue(entry.name, entry.places.most(), ahead)
        })
    }

    /// The refusal of a call that has waited longer than it may, in a mailbox that has been busy since then.
    #[inline]
    pub(crate) fn is_overdue(&self, job: &dyn Job<S>, busy_since: Instant, now: Instant) -> Option<Refusal> {
        let entry = job.entry();
        let (most, shedding) = (entry.options.max_wait?, self.mailboxes[entry.mailbox].shedding());
        let waited = now.saturating_duration_since(job.arrived());
        let sheds = shedding.turns_away(waited, most, busy_since, now);
        sheds.then(|| overdue(entry.name, entry.places.most(), self.ahead_now(entry)))
    }

    /// The work in front of a call of this method.
    fn ahead_now(&self, entry: &Entry) -> Ahead {
        let busy = |mailbox: &&Mailbox<_>| mailbox.places().used() > 0;
        let weights = self.mailboxes.iter().filter(busy).map(Mailbox::weight).sum();
        self.ahead(entry, entry.places.used(), weights)
    }

    /// The same with so many calls in its mailbox, among mailboxes of so much weight.
    fn ahead(&self, entry: &Entry, depth: usize, weights: u32) -> Ahead {
        let usual = entry.meter.cost.usual();
        Ahead {
            depth,
            usual: if entry.kind == Kind::Compute { usual / self.pool.threads() } else { usual },
            samples: entry.meter.cost.samples(),
            weight: self.mailboxes[entry.mailbox].weight(),
            weights,
        }
    }

    /// Puts an admitted call into its mailbox, and wakes the host. If the mailbox has closed meanwhile, the call is answered
    /// -32003.
    pub(crate) fn push(&self, call: Arc<dyn Job<S>>) {
        let mailbox = &self.mailboxes[call.entry().mailbox];
        turn_away_if_closed(mailbox.push(QueuedJob(call), &self.desk.bell));
    }

    /// The same for a call that came in by a transport: the host is woken for all that this thread [gathers](is_gathered).
    pub(crate) fn push_gathered(&self, call: Arc<dyn Job<S>>) {
        if is_gathered(&self.desk.bell) {
            let mailbox = &self.mailboxes[call.entry().mailbox];
            turn_away_if_closed(mailbox.push_unheard(QueuedJob(call), &self.desk.bell));
        } else {
            self.push(call);
        }
    }

    pub(crate) fn open_mailboxes(&self) {
        self.mailboxes.iter().for_each(Mailbox::open);
    }

    /// Closes all mailboxes and answers -32003 to what waits in them.
    pub(crate) fn close_mailboxes(&self) {
        for mailbox in &self.mailboxes {
            for QueuedJob(job) in mailbox.close() {
                job.turn_away(Refusal::unavailable());
            }
        }
    }

    /// The time to drain is over: answers -32003 to what waits, and -32603 to what runs. A sync method, or one on the worker
    /// pool, cannot be ended; its caller can be told. A call that the host is inside of is the first of its mailbox still.
    pub(crate) fn cut_off(&self) {
        self.cut_mailboxes();
        let on_pool = self.on_pool.lock().clone();
        on_pool.iter().for_each(|job| job.cut_off());
    }

    /// Closes all mailboxes, and answers -32003 to what waits in them and -32603 to what the host was inside of.
    pub(crate) fn cut_mailboxes(&self) {
        for mailbox in &self.mailboxes {
            for QueuedJob(job) in mailbox.close() {
                job.turn_away(Refusal::unavailable());
                job.cut_off();
            }
        }
    }

    /// The methods of which calls run.
    pub(crate) fn running(&self) -> Vec<&'static str> {
        let runs = |entry: &&Arc<Entry>| entry.meter.tally.get(Count::Running) > 0;
        self.entries().iter().filter(runs).map(|entry| entry.name).collect()
    }

    /// What has become of the calls of each method, and how full its mailbox is.
    pub(crate) fn stats(&self) -> ServiceStats {
        ServiceStats {
            service: S::NAME.to_owned(),
            is_up: self.status() == Status::Up,
            restarts: self.restarts.load(Ordering::Relaxed),
            methods: self.entries().iter().map(|entry| MethodStats::new(entry)).collect(),
        }
    }

    /// Whether nothing is admitted that has not ended, as far as the mailboxes know.
    pub(crate) fn is_idle(&self) -> bool {
        self.quota.calls() == 0 && self.in_flight.used() == 0 && self.pool.is_idle()
    }
}

fn turn_away_if_closed<S: Service>(pushed: Result<(), QueuedJob<S>>) {
    if let Err(QueuedJob(job)) = pushed {
        job.turn_away(Refusal::unavailable());
    }
}

impl<S: Service> fmt::Debug for Core<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("service", &S::NAME).field("status", &self.status()).finish_non_exhaustive()
    }
}
