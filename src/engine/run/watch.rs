//! The watch over runs: a method that holds its thread for too long goes to the host from then on, while it still runs.
//!
//! A run is measured when it ends, which is too late for one that does not end: further calls of its method would run where they
//! arrive, and take one thread of a transport after another. So each thread notes in a slot of its own what it runs, and since
//! when; and one thread, which sleeps while nothing runs, looks at all slots every few milliseconds.
//!
//! Time is counted in looks: a process that was stopped for a while has not held anything.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Weak;
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::time::Instant;

use crate::mailbox::Entry;
use crate::sync::{Arc, AtomicU32, AtomicU64, Mutex, Ordering};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Number of looks after which a run holds its thread for too long: 10 to 15 ms.
const LONG: u32 = 3;

/// Number of looks after which a run is warned of while it lasts: a second. What ends before is warned of when it does.
const STUCK: u32 = 200;

/// Number of looks between two further warnings of it: a minute.
const WARN: u32 = 12_000;

/// Number of looks without any run after which the watch goes to sleep: a second.
const QUIET: u32 = 200;

static WATCH: Watch = Watch {
    look: AtomicU32::new(0),
    last: AtomicU32::new(0),
    thread: Mutex::new(None),
    slots: Mutex::new(Slots { all: Vec::new(), free: Vec::new() }),
    methods: Mutex::new(BTreeMap::new()),
};

struct Watch {
    /// The number of the current look; 0 while the watch sleeps. Read for every run, and written by the watch alone, so it costs a
    /// run next to nothing.
    look: AtomicU32,
    /// The number of the last look before the watch went to sleep.
    last: AtomicU32,
    thread: Mutex<Option<Thread>>,
    slots: Mutex<Slots>,
    methods: Mutex<BTreeMap<u32, Weak<Entry>>>,
}

/// What one thread runs. On a cache line of its own, since its thread writes it twice for each run.
#[derive(Default)]
#[repr(align(128))]
struct Slot(AtomicU64);

/// The slot of threads that are about to end, which the watch does not look at.
static UNSEEN: Slot = Slot(AtomicU64::new(0));

/// The slots of all threads that have run a method. They live as long as the process, so that a run finds its slot without
/// counting references; as threads give them back, there are only as many as there were such threads at once.
struct Slots {
    all: Vec<&'static Slot>,
    free: Vec<&'static Slot>,
}

/// The content of a slot, in one word, so that it is written and read at once.
#[derive(Clone, Copy)]
struct Noted {
    /// The look at which the method began, or at which the last one ended.
    since: u32,
    /// The number of the method; 0 for none.
    method: u32,
}

impl Noted {
    fn to_word(self) -> u64 {
        u64::from(self.since) << 32 | u64::from(self.method)
    }

    fn from_word(word: u64) -> Self {
        Self { since: (word >> 32) as u32, method: word as u32 }
    }
}

thread_local! {
    /// Without a destructor, which would have to be asked for at each access.
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
    static LENT: RefCell<Option<Lent>> = const { RefCell::new(None) };
}

/// A slot that its thread gives back when it ends.
struct Lent(&'static Slot);

impl Drop for Lent {
    fn drop(&mut self) {
        SLOT.set(None);
        self.0.0.store(0, Ordering::Relaxed);
        WATCH.slots.lock().free.push(self.0);
    }
}

/// Has the watch know a method, which must be before it runs.
pub(crate) fn register(entry: &Arc<Entry>) {
    let mut methods = WATCH.methods.lock();
    methods.retain(|_, entry| entry.strong_count() > 0);
    methods.insert(entry.number, Arc::downgrade(entry));
}

/// A method that holds this thread, until this is dropped.
pub(crate) struct Watched {
    slot: &'static Slot,
    /// What the slot has afterwards: the run in which this one is, or none.
    afterwards: u64,
    of_thread: PhantomData<*const ()>,
}

impl Watched {
    #[inline]
    pub(crate) fn begin(entry: &Entry) -> Self {
        let since = WATCH.current_look();
        let slot = SLOT.get().unwrap_or_else(|| WATCH.lend_slot());
        let around = Noted::from_word(slot.0.load(Ordering::Relaxed));
        slot.0.store(Noted { since, method: entry.number }.to_word(), Ordering::Relaxed);
        let afterwards = if around.method == 0 { Noted { since, method: 0 } } else { around };
        Self { slot, afterwards: afterwards.to_word(), of_thread: PhantomData }
    }
}

impl Drop for Watched {
    #[inline]
    fn drop(&mut self) {
        self.slot.0.store(self.afterwards, Ordering::Relaxed);
    }
}

impl Watch {
    #[inline]
    fn current_look(&self) -> u32 {
        match self.look.load(Ordering::Relaxed) {
            0 => self.wake(),
            look => look,
        }
    }

    #[cold]
    fn lend_slot(&self) -> &'static Slot {
        let free = self.slots.lock().free.pop();
        let slot = free.unwrap_or_else(|| {
            let slot: &'static Slot = Box::leak(Box::default());
            self.slots.lock().all.push(slot);
            slot
        });
        match LENT.try_with(|lent| lent.replace(Some(Lent(slot)))) {
            Ok(_) => SLOT.set(Some(slot)),
            // A thread that is about to end would not give it back.
            Err(_) => {
                self.slots.lock().free.push(slot);
                return &UNSEEN;
            }
        }
        slot
    }

    #[cold]
    fn wake(&self) -> u32 {
        let look = self.last.load(Ordering::Relaxed).max(1);
        // Another thread is waking it.
        let Some(mut thread) = self.thread.try_lock() else { return look };
        match &*thread {
            Some(thread) => {
                self.look.store(look, Ordering::Relaxed);
                thread.unpark();
            }
            None => match thread::Builder::new().name("callbox-watch".to_owned()).spawn(move || WATCH.run(look)) {
                Ok(started) => {
                    self.look.store(look, Ordering::Relaxed);
                    *thread = Some(started.thread().clone());
                }
                // Tried again at the next run. Until then methods are known by what they took.
                Err(error) => log_seldom!(WARN, %error, "the thread that watches methods cannot start"),
            },
        }
        look
    }

    fn run(&self, first: u32) {
        let mut look = first;
        loop {
            thread::sleep(PAUSE);
            look = next(look);
            self.look.store(look, Ordering::Relaxed);
            if self.is_quiet(look) {
                self.sleep(look);
            }
        }
    }

    /// Looks at all slots. Whether nothing has run for a while.
    fn is_quiet(&self, look: u32) -> bool {
        let slots = self.slots.lock().all.clone();
        let mut quiet = true;
        for slot in slots {
            let Noted { since, method } = Noted::from_word(slot.0.load(Ordering::Relaxed));
            let looks = look.wrapping_sub(since);
            if method != 0 && looks >= LONG {
                self.holds(method, looks);
            }
            quiet &= method == 0 && looks >= QUIET;
        }
        quiet
    }

    fn holds(&self, method: u32, looks: u32) {
        let entry = self.methods.lock().get(&method).and_then(Weak::upgrade);
        if let Some(entry) = entry {
            let warns = looks == STUCK || looks.is_multiple_of(WARN);
            entry.meter.holds(entry.name, PAUSE * looks, Instant::now(), warns);
        }
    }

    fn sleep(&self, look: u32) {
        self.last.store(look, Ordering::Relaxed);
        self.look.store(0, Ordering::Relaxed);
        // A run that began before it could see this is in its slot by now.
        thread::sleep(PAUSE);
        if !self.is_quiet(look) {
            self.look.store(look, Ordering::Relaxed);
        }
        while self.look.load(Ordering::Relaxed) == 0 {
            thread::park();
        }
    }
}

/// 0 is no look.
fn next(look: u32) -> u32 {
    look.wrapping_add(1).max(1)
}
