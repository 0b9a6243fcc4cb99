//! The watch over runs: a method that holds its thread for too long goes to the host from then on, while it still runs.
//!
//! A run is measured when it ends, which is too late for one that does not end: further calls of its method would run where they
//! arrive, and take one thread of a transport after another. So each thread notes in a slot of its own what it runs, and since
//! when; and one thread, which sleeps while nothing runs, looks at all slots every few milliseconds.
//!
//! Time is counted in looks: a process that was stopped for a while has not held anything.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{LazyLock, Weak};
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

static WATCH: LazyLock<Watch> = LazyLock::new(Watch::default);

#[derive(Default)]
struct Watch {
    /// The number of the current look; 0 while the watch sleeps. Read for every run, and written by the watch alone, so it costs a
    /// run next to nothing.
    look: AtomicU32,
    /// The number of the last look before the watch went to sleep.
    last: AtomicU32,
    thread: Mutex<Option<Thread>>,
    slots: Mutex<Vec<Weak<Slot>>>,
    methods: Mutex<HashMap<u32, Weak<Entry>>>,
}

/// What one thread runs.
#[derive(Default)]
struct Slot(AtomicU64);

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
    static SLOT: Arc<Slot> = WATCH.new_slot();
}

/// Has the watch know a method, which must be before it runs.
pub(crate) fn register(entry: &Arc<Entry>) {
    let mut methods = WATCH.methods.lock();
    methods.retain(|_, entry| entry.strong_count() > 0);
    methods.insert(entry.number, Arc::downgrade(entry));
}

/// A method that holds this thread, until this is dropped.
pub(crate) struct Watched {
    /// What the slot has afterwards: the run in which this one is, or none.
    afterwards: u64,
    of_thread: PhantomData<*const ()>,
}

impl Watched {
    #[inline]
    pub(crate) fn begin(entry: &Entry) -> Self {
        let since = WATCH.current_look();
        let afterwards = SLOT.try_with(|slot| {
            let around = Noted::from_word(slot.0.load(Ordering::Relaxed));
            slot.0.store(Noted { since, method: entry.number }.to_word(), Ordering::Relaxed);
            if around.method == 0 { Noted { since, method: 0 } } else { around }
        });
        // A thread that is about to end has no slot.
        let afterwards = afterwards.map_or(0, Noted::to_word);
        Self { afterwards, of_thread: PhantomData }
    }
}

impl Drop for Watched {
    #[inline]
    fn drop(&mut self) {
        let _ = SLOT.try_with(|slot| slot.0.store(self.afterwards, Ordering::Relaxed));
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

    fn new_slot(&self) -> Arc<Slot> {
        let slot = Arc::default();
        let mut slots = self.slots.lock();
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        slot
    }

    #[cold]
    fn wake(&self) -> u32 {
        let mut thread = self.thread.lock();
        let look = self.last.load(Ordering::Relaxed).max(1);
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
                Err(error) => log_warn!(%error, "the thread that watches methods cannot start"),
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
        let slots: Vec<_> = self.slots.lock().iter().filter_map(Weak::upgrade).collect();
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
