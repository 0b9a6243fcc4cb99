//! The watch: finds methods that hold their thread for too long while they still run.
//!
//! The time of a run is measured when it ends, which is too late for a run that does not end:
//! further calls of its method would run inline and take one transport thread after the other. So
//! each thread writes what it runs, and since when, into a slot of its own. One watch thread, which
//! sleeps while nothing runs, reads all slots every few milliseconds, and marks the methods that
//! have held a thread for too long: further calls of these run on the host until a second after the
//! long run has ended.
//!
//! Time is counted in ticks of the watch thread. So a process that was stopped for a while does not
//! make its methods look long.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Weak;
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::time::Instant;

use crate::mailbox::MethodEntry;
use crate::sync::{Arc, AtomicU32, AtomicU64, Mutex, Ordering};

/// Time between two ticks.
const INTERVAL: Duration = Duration::from_millis(5);

/// Number of ticks after which a run holds its thread for too long: 10 to 15 ms.
const LONG: u32 = 3;

/// Number of ticks after which a run is logged as stuck while it lasts: a second. A shorter run is
/// logged when it ends.
const STUCK: u32 = 200;

/// Number of ticks between two further warnings of the same run: a minute.
const WARN: u32 = 12_000;

/// Number of ticks without any run after which the watch goes to sleep: a second.
const QUIET: u32 = 200;

static WATCH: Watch = Watch {
    tick: AtomicU32::new(0),
    last: AtomicU32::new(0),
    thread: Mutex::new(None),
    slots: Mutex::new(ThreadSlots { all: Vec::new(), free: Vec::new() }),
    methods: Mutex::new(BTreeMap::new()),
};

struct Watch {
    /// The current tick; 0 while the watch sleeps. Every run reads it, and only the watch writes
    /// it, so that the cache line stays shared and a run pays next to nothing.
    tick: AtomicU32,
    /// The last tick before the watch went to sleep.
    last: AtomicU32,
    thread: Mutex<Option<Thread>>,
    slots: Mutex<ThreadSlots>,
    methods: Mutex<BTreeMap<u32, Weak<MethodEntry>>>,
}

/// What one thread runs. On cache lines of its own, since its thread writes it twice per run.
#[derive(Default)]
#[repr(align(128))]
struct ThreadSlot(AtomicU64);

/// The slot of threads that are about to end. The watch does not read it.
static UNWATCHED: ThreadSlot = ThreadSlot(AtomicU64::new(0));

/// The slots of all threads that have run a method.
///
/// They are leaked, so that a run needs no reference count to reach its slot. Threads give them
/// back when they end, so there are at most as many as there were such threads at once.
struct ThreadSlots {
    all: Vec<&'static ThreadSlot>,
    free: Vec<&'static ThreadSlot>,
}

/// The content of a slot. It fits into one word, so that the watch never sees half of it.
#[derive(Clone, Copy)]
struct SlotContent {
    /// The tick at which the method began, or at which the last one ended.
    since: u32,
    /// The number of the method; 0 for none.
    method: u32,
}

impl SlotContent {
    fn to_word(self) -> u64 {
        u64::from(self.since) << 32 | u64::from(self.method)
    }

    fn from_word(word: u64) -> Self {
        Self { since: (word >> 32) as u32, method: word as u32 }
    }
}

thread_local! {
    /// Apart from the lease, since a thread-local with a destructor would be checked at each
    /// access.
    static SLOT: Cell<Option<&'static ThreadSlot>> = const { Cell::new(None) };
    static LEASE: RefCell<Option<SlotLease>> = const { RefCell::new(None) };
}

/// Gives a slot back when its thread ends.
struct SlotLease(&'static ThreadSlot);

impl Drop for SlotLease {
    fn drop(&mut self) {
        SLOT.set(None);
        self.0.0.store(0, Ordering::Relaxed);
        WATCH.slots.lock().free.push(self.0);
    }
}

/// Registers a method, so that the watch can find it by its number. Call this before the method
/// runs.
pub(crate) fn register(entry: &Arc<MethodEntry>) {
    let mut methods = WATCH.methods.lock();
    methods.retain(|_, entry| entry.strong_count() > 0);
    methods.insert(entry.number, Arc::downgrade(entry));
}

/// Says that a method holds this thread, until it is dropped.
pub(crate) struct WatchGuard {
    slot: &'static ThreadSlot,
    /// Content of the slot afterwards: the run around this one, or none.
    afterwards: u64,
    of_thread: PhantomData<*const ()>,
}

impl WatchGuard {
    #[inline]
    pub(crate) fn begin(entry: &MethodEntry) -> Self {
        let since = WATCH.current_tick();
        let slot = SLOT.get().unwrap_or_else(|| WATCH.lease_slot());
        let around = SlotContent::from_word(slot.0.load(Ordering::Relaxed));
        slot.0.store(SlotContent { since, method: entry.number }.to_word(), Ordering::Relaxed);
        let afterwards = if around.method == 0 { SlotContent { since, method: 0 } } else { around };
        Self { slot, afterwards: afterwards.to_word(), of_thread: PhantomData }
    }
}

impl Drop for WatchGuard {
    #[inline]
    fn drop(&mut self) {
        self.slot.0.store(self.afterwards, Ordering::Relaxed);
    }
}

impl Watch {
    #[inline]
    fn current_tick(&self) -> u32 {
        match self.tick.load(Ordering::Relaxed) {
            0 => self.wake(),
            tick => tick,
        }
    }

    /// Gives this thread a slot.
    #[cold]
    fn lease_slot(&self) -> &'static ThreadSlot {
        let free = self.slots.lock().free.pop();
        let slot = free.unwrap_or_else(|| {
            let slot: &'static ThreadSlot = Box::leak(Box::default());
            self.slots.lock().all.push(slot);
            slot
        });
        match LEASE.try_with(|lent| lent.replace(Some(SlotLease(slot)))) {
            Ok(_) => SLOT.set(Some(slot)),
            // This thread is about to end and would not give the slot back.
            Err(_) => {
                self.slots.lock().free.push(slot);
                return &UNWATCHED;
            }
        }
        slot
    }

    /// Wakes the watch thread, or starts it. Returns the tick from which it counts on.
    #[cold]
    fn wake(&self) -> u32 {
        let tick = self.last.load(Ordering::Relaxed).max(1);
        // Another thread is waking it.
        let Some(mut thread) = self.thread.try_lock() else { return tick };
        match &*thread {
            Some(thread) => {
                self.tick.store(tick, Ordering::Relaxed);
                thread.unpark();
            }
            None => match thread::Builder::new().name("callbox-watch".to_owned()).spawn(move || WATCH.run(tick)) {
                Ok(started) => {
                    self.tick.store(tick, Ordering::Relaxed);
                    *thread = Some(started.thread().clone());
                }
                // Retried at the next run. Until then only runs that end are measured.
                Err(error) => log_throttled!(WARN, %error, "the thread that watches methods cannot start"),
            },
        }
        tick
    }

    fn run(&self, first: u32) {
        let mut tick = first;
        loop {
            thread::sleep(INTERVAL);
            tick = next(tick);
            self.tick.store(tick, Ordering::Relaxed);
            if self.is_quiet(tick) {
                self.sleep(tick);
            }
        }
    }

    /// Reads all slots and marks long runs. Returns whether nothing has run for a while.
    fn is_quiet(&self, tick: u32) -> bool {
        let slots = self.slots.lock().all.clone();
        let mut quiet = true;
        for slot in slots {
            let SlotContent { since, method } = SlotContent::from_word(slot.0.load(Ordering::Relaxed));
            let ticks = tick.wrapping_sub(since);
            if method != 0 && ticks >= LONG {
                self.holds(method, ticks);
            }
            quiet &= method == 0 && ticks >= QUIET;
        }
        quiet
    }

    /// Marks the method of a run that has lasted for `ticks`.
    fn holds(&self, method: u32, ticks: u32) {
        let entry = self.methods.lock().get(&method).and_then(Weak::upgrade);
        if let Some(entry) = entry {
            let warns = ticks == STUCK || ticks.is_multiple_of(WARN);
            entry.meter.record_overlong_hold(entry.name, INTERVAL * ticks, Instant::now(), warns);
        }
    }

    /// Sleeps until a run wakes the watch.
    fn sleep(&self, tick: u32) {
        self.last.store(tick, Ordering::Relaxed);
        self.tick.store(0, Ordering::Relaxed);
        // A run that still saw a tick has written its slot by the end of this pause, so this second
        // look finds it.
        thread::sleep(INTERVAL);
        if !self.is_quiet(tick) {
            self.tick.store(tick, Ordering::Relaxed);
        }
        while self.tick.load(Ordering::Relaxed) == 0 {
            thread::park();
        }
    }
}

/// Returns the next tick. Never 0, which means that the watch sleeps.
fn next(tick: u32) -> u32 {
    tick.wrapping_add(1).max(1)
}
