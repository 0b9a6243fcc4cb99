//! The mailboxes, compared with a model: while the host is held inside a method, each mailbox is a
//! bounded queue. When the host is released, the calls in it run in order, except abandoned ones.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callbox::testing::in_process;
use callbox::{RpcError, ServiceRef, service};
use futures::future::LocalBoxFuture;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Default)]
struct Seen {
    /// By mailbox: the calls that started.
    started: [Mutex<Vec<u32>>; 4],
    held: AtomicBool,
    let_go: AtomicBool,
}

struct Queues {
    seen: Arc<Seen>,
}

impl Queues {
    fn start(&self, mailbox: usize, number: u32) -> u32 {
        self.seen.started[mailbox].lock().unwrap().push(number);
        number
    }
}

/// By mailbox: how many calls it holds.
const BOUNDS: [usize; 4] = [3, 4, 2, 3];

#[service(name = "queues")]
impl Queues {
    /// Async, or it would run where it is called once it is known to be short.
    #[public_method]
    async fn hold(&mut self) {
        self.seen.held.store(true, Ordering::SeqCst);
        let start = Instant::now();
        while !self.seen.let_go.swap(false, Ordering::SeqCst) {
            assert!(start.elapsed() < Duration::from_secs(60), "never let go");
            std::thread::yield_now();
        }
    }

    #[public_method(mailbox = 3)]
    fn write(&mut self, number: u32) -> u32 {
        self.start(0, number)
    }

    #[public_method(mailbox = 4, mailbox_group = "group")]
    fn in_group(&mut self, number: u32) -> u32 {
        self.start(1, number)
    }

    #[public_method(mailbox_group = "group", mailbox = 2)]
    async fn in_group_later(&mut self, number: u32) -> u32 {
        self.start(1, number);
        tokio::task::yield_now().await;
        number
    }

    #[public_method(mailbox = 2, in_flight = 1)]
    async fn read_later(&self, number: u32) -> u32 {
        self.start(2, number);
        tokio::task::yield_now().await;
        number
    }

    #[public_method(mailbox = 3, deadline = "2ms")]
    fn hurried(&mut self, number: u32) -> u32 {
        self.start(3, number)
    }
}

const METHODS: [&str; 5] = ["write", "in_group", "in_group_later", "read_later", "hurried"];
const MAILBOX_OF: [usize; 5] = [0, 1, 1, 2, 3];
const HURRIED: usize = 4;

type Calling<'a> = LocalBoxFuture<'a, Result<u32, RpcError>>;

fn call(queues: &ServiceRef<Queues>, method: usize, number: u32) -> Calling<'_> {
    match method {
        0 => Box::pin(queues.call(Queues_Write { number })),
        1 => Box::pin(queues.call(Queues_InGroup { number })),
        2 => Box::pin(queues.call(Queues_InGroupLater { number })),
        3 => Box::pin(queues.call(Queues_ReadLater { number })),
        _ => Box::pin(queues.call(Queues_Hurried { number })),
    }
}

fn notify(queues: &ServiceRef<Queues>, method: usize, number: u32) -> Result<(), RpcError> {
    match method {
        0 => queues.notify(Queues_Write { number }),
        1 => queues.notify(Queues_InGroup { number }),
        2 => queues.notify(Queues_InGroupLater { number }),
        3 => queues.notify(Queues_ReadLater { number }),
        _ => queues.notify(Queues_Hurried { number }),
    }
}

#[derive(Clone, Debug)]
enum Command {
    Call(usize),
    Notify(usize),
    /// A caller leaves; which, is counted from the first that waits.
    Leave(usize),
    /// The host runs what waits, and is held again.
    LetGo,
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        8 => (0..METHODS.len()).prop_map(Command::Call),
        3 => (0..METHODS.len()).prop_map(Command::Notify),
        4 => (0..12usize).prop_map(Command::Leave),
        1 => Just(Command::LetGo),
    ]
}

/// A call that waits, as the model sees it.
struct Waiting<'a> {
    number: u32,
    /// `None` for a notification.
    calling: Option<Calling<'a>>,
    /// Its time is over; only a notification stays in the mailbox with that.
    late: bool,
}

struct Model<'a> {
    queues: &'a ServiceRef<Queues>,
    seen: &'a Seen,
    mailboxes: [VecDeque<Waiting<'a>>; 4],
    /// What must have started, by mailbox.
    ran: [Vec<u32>; 4],
    next: u32,
    holding: Option<Calling<'a>>,
}

impl<'a> Model<'a> {
    async fn hold(&mut self) {
        let queues = self.queues;
        let mut holding: Calling<'a> = Box::pin(async { queues.call(Queues_Hold {}).await.map(|()| 0) });
        assert!(futures::poll!(&mut holding).is_pending());
        self.holding = Some(holding);
        while !self.seen.held.swap(false, Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
    }

    async fn apply(&mut self, command: &Command) -> Result<(), TestCaseError> {
        match *command {
            Command::Call(method) => self.call(method).await,
            Command::Notify(method) => self.notify(method).await,
            Command::Leave(pick) => {
                let mut calls = self.mailboxes.iter().enumerate().flat_map(|(mailbox, waiting)| {
                    (0..waiting.len()).filter(|at| waiting[*at].calling.is_some()).map(move |at| (mailbox, at))
                });
                if let Some((mailbox, at)) = calls.nth(pick) {
                    drop(self.mailboxes[mailbox].remove(at));
                }
                Ok(())
            }
            Command::LetGo => {
                self.let_go().await?;
                self.hold().await;
                Ok(())
            }
        }
    }

    fn fits(&self, method: usize) -> bool {
        self.mailboxes[MAILBOX_OF[method]].len() < BOUNDS[MAILBOX_OF[method]]
    }

    async fn call(&mut self, method: usize) -> Result<(), TestCaseError> {
        let (number, fits) = (self.number(), self.fits(method));
        let mut calling = call(self.queues, method, number);
        match futures::poll!(&mut calling) {
            std::task::Poll::Ready(reply) => {
                prop_assert!(!fits, "{} had room and got {:?}", METHODS[method], reply);
                prop_assert_eq!(reply.map_err(|error| error.code()), Err(-32000));
            }
            std::task::Poll::Pending if method == HURRIED => {
                prop_assert!(fits);
                let result = calling.await.map_err(|error| error.code());
                prop_assert_eq!(result, Err(-32002), "the host is held");
            }
            std::task::Poll::Pending => {
                prop_assert!(fits, "{} had no room", METHODS[method]);
                let calling = Some(calling);
                self.mailboxes[MAILBOX_OF[method]].push_back(Waiting { number, calling, late: false });
            }
        }
        Ok(())
    }

    async fn notify(&mut self, method: usize) -> Result<(), TestCaseError> {
        let (number, fits) = (self.number(), self.fits(method));
        let sent = notify(self.queues, method, number).map_err(|error| error.code());
        prop_assert_eq!(sent, if fits { Ok(()) } else { Err(-32000) }, "{}", METHODS[method]);
        if fits {
            let late = method == HURRIED;
            if late {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            self.mailboxes[MAILBOX_OF[method]].push_back(Waiting { number, calling: None, late });
        }
        Ok(())
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Lets the host go, and waits until all that waits has run.
    async fn let_go(&mut self) -> Result<(), TestCaseError> {
        self.seen.let_go.store(true, Ordering::SeqCst);
        let held = self.holding.take().expect("the host is held").await;
        prop_assert!(held.is_ok());
        for (mailbox, waiting) in self.mailboxes.iter_mut().enumerate() {
            for Waiting { number, calling, late } in waiting.drain(..) {
                if let Some(calling) = calling {
                    prop_assert_eq!(calling.await, Ok(number));
                }
                if !late {
                    self.ran[mailbox].push(number);
                }
            }
        }
        self.queues.wait_idle().await;
        for (mailbox, ran) in self.ran.iter().enumerate() {
            let started = self.seen.started[mailbox].lock().unwrap();
            prop_assert_eq!(&*started, ran, "mailbox {}", mailbox);
        }
        Ok(())
    }

    fn check_depths(&self) -> Result<(), TestCaseError> {
        for stats in self.queues.stats() {
            let Some(method) = METHODS.iter().position(|method| *method == stats.method) else { continue };
            let mailbox = MAILBOX_OF[method];
            let expected = (self.mailboxes[mailbox].len(), BOUNDS[mailbox]);
            prop_assert_eq!((stats.depth, stats.capacity), expected, "{}", stats.method);
        }
        Ok(())
    }
}

async fn follow(queues: &ServiceRef<Queues>, seen: &Seen, commands: &[Command]) -> Result<(), TestCaseError> {
    let (mailboxes, ran) = Default::default();
    let mut model = Model { queues, seen, mailboxes, ran, next: 0, holding: None };
    model.hold().await;
    for command in commands {
        model.apply(command).await?;
        model.check_depths()?;
    }
    model.let_go().await
}

proptest! {
    #![proptest_config(crate::cases(64))]

    #[test]
    fn a_mailbox_is_a_bounded_queue_of_what_was_not_given_up(commands in vec(command(), 1..100)) {
        let seen = Arc::new(Seen::default());
        let factory = Arc::clone(&seen);
        let held = in_process(move || Queues { seen: Arc::clone(&factory) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let followed = runtime.block_on(follow(held.service(), &seen, &commands));
        // If it failed, the host is held still.
        seen.let_go.store(true, Ordering::SeqCst);
        followed?;
    }

    /// While it is served, too, and when some of its calls run inline and some wait.
    #[test]
    fn calls_of_one_mailbox_start_in_the_order_in_which_they_came(calls in vec((0..HURRIED, 0..8u8), 1..300)) {
        let seen = Arc::new(Seen::default());
        let factory = Arc::clone(&seen);
        let held = in_process(move || Queues { seen: Arc::clone(&factory) });
        let mut admitted: [Vec<u32>; 4] = Default::default();
        for ((method, pause), number) in calls.into_iter().zip(0..) {
            if pause == 0 {
                std::thread::sleep(Duration::from_micros(100));
            }
            if notify(held.service(), method, number).is_ok() {
                admitted[MAILBOX_OF[method]].push(number);
            }
        }
        held.wait_idle();
        for (mailbox, admitted) in admitted.iter().enumerate() {
            let started = seen.started[mailbox].lock().unwrap();
            prop_assert_eq!(&*started, admitted, "mailbox {}", mailbox);
        }
    }
}
