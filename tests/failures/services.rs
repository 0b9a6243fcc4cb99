//! Services that call each other.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use callbox::{RpcError, Server, ServiceRef, service};
use callbox_test_support::wait::until;

use crate::harness::{Answer, Ends, Site, Way, assert_ends, both_ways, stats};
use crate::probe::Probe;

both_ways! {
    one_may_call_another,
    a_call_that_would_come_back_to_its_service_is_rejected_before_admission,
    a_call_within_a_call_has_no_more_time_than_the_outer_one,
    when_the_outer_caller_leaves_the_inner_call_is_given_up,
    who_has_given_a_call_up_may_be_called_by_what_it_led_to,
    a_notification_has_all_the_time_of_its_own_method_whatever_is_left_of_its_senders,
    a_notification_may_go_to_its_sender_and_what_it_was_sent_by_may_be_called,
    notifications_that_send_notifications_do_not_run_within_each_other,
}

pub(crate) struct Front {
    back: Arc<OnceLock<ServiceRef<Back>>>,
    me: Arc<OnceLock<ServiceRef<Front>>>,
}

pub(crate) struct Back {
    front: Arc<OnceLock<ServiceRef<Front>>>,
    probe: Arc<Probe>,
}

#[service(name = "front", namespace = "front")]
impl Front {
    #[public_method]
    async fn ask(&self, waits: bool) -> Result<String, RpcError> {
        self.back.get().unwrap().call(Answers { waits }).await
    }

    #[public_method(deadline = "400ms")]
    async fn ask_hurried(&mut self) -> Result<String, RpcError> {
        self.back.get().unwrap().call(Answers { waits: true }).await
    }

    /// Comes back here, to a method that reads or to one that writes.
    #[public_method]
    async fn ask_round(&self, writes: bool) -> Result<String, RpcError> {
        self.back.get().unwrap().call(Back_AskBack { writes }).await
    }

    /// Has little time left for what it sends.
    #[public_method(deadline = "300ms")]
    async fn send_on(&self) -> Result<(), RpcError> {
        self.back.get().unwrap().notify(Answers { waits: true })
    }

    /// Asks for what comes back here, and does not wait for it.
    #[public_method]
    async fn ask_in_vain(&self) -> bool {
        let asked = self.back.get().unwrap().call(Back_AskBackLater {});
        tokio::time::timeout(Duration::from_millis(500), asked).await.is_err()
    }

    #[public_method]
    fn send_round(&mut self, to_itself: bool) -> Result<(), RpcError> {
        let back = self.back.get().unwrap();
        if to_itself { self.me().notify(Front_HelloAlone {}) } else { back.notify(Back_AskBack { writes: true }) }
    }

    #[public_method]
    fn send_to_and_fro(&self, times: u32) -> Result<(), RpcError> {
        if times == 0 { Ok(()) } else { self.back.get().unwrap().notify(Back_SendBack { times: times - 1 }) }
    }

    #[public_method]
    fn hello(&self) -> String {
        "hello".to_owned()
    }

    #[public_method]
    fn hello_alone(&mut self) -> String {
        self.hello()
    }
}

impl Front {
    fn me(&self) -> &ServiceRef<Self> {
        self.me.get().unwrap()
    }
}

#[service(name = "back", namespace = "back")]
impl Back {
    #[public_method]
    fn send_back(&self, times: u32) -> Result<(), RpcError> {
        self.front.get().unwrap().notify(Front_SendToAndFro { times })
    }

    #[public_method(message = "Answers")]
    async fn answer(&self, waits: bool) -> String {
        if waits {
            self.probe.hold_await().await;
        }
        "answer".to_owned()
    }

    /// Alone with its state, and so it runs to its end.
    #[public_method]
    async fn ask_back_later(&mut self) -> Result<String, RpcError> {
        self.probe.hold_await().await;
        self.front.get().unwrap().call(Front_Hello {}).await
    }

    #[public_method]
    async fn ask_back(&self, writes: bool) -> Result<String, RpcError> {
        let front = self.front.get().unwrap();
        if writes { front.call(Front_HelloAlone {}).await } else { front.call(Front_Hello {}).await }
    }
}

fn pair(way: Way) -> (Site<Front>, ServiceRef<Back>) {
    let (back, front, probe) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()), Probe::new());
    let (to_back, to_front, for_back) = (Arc::clone(&back), Arc::clone(&front), Arc::clone(&probe));
    let to_itself = Arc::clone(&front);
    let server = Server::new(move || Front { back: Arc::clone(&to_back), me: Arc::clone(&to_itself) });
    let server = server.service(move || Back { front: Arc::clone(&to_front), probe: Arc::clone(&for_back) });
    let site = Site::start(way, server, &probe);
    let other = site.other::<Back>();
    assert!(back.set(other.clone()).is_ok() && front.set(site.service().clone()).is_ok());
    (site, other)
}

fn one_may_call_another(way: Way) {
    let (site, back) = pair(way);
    // The third time the inner call may run where the outer one does.
    for _ in 0..3 {
        assert_eq!(site.call(Front_Ask { waits: false }), Answer::result("answer"));
    }
    assert_ends(&back, "back.answer", Ends { answered: 3, ..Ends::default() });
}

fn a_call_that_would_come_back_to_its_service_is_rejected_before_admission(way: Way) {
    let (site, back) = pair(way);
    // The methods of the cycle are known to be short, so each would run inline if it could.
    assert_eq!((site.call(Front_Hello {}).code, site.call(Front_HelloAlone {}).code), (0, 0));
    for writes in [false, true, false, true] {
        // By a deadline it would take 30 s.
        site.call(Front_AskRound { writes }).assert_internal();
    }
    assert_ends(&back, "back.ask_back", Ends { failed: 4, ..Ends::default() });
    site.assert_ends("front.ask_round", Ends { failed: 4, ..Ends::default() });
    site.assert_ends("front.hello", Ends { answered: 1, ..Ends::default() });
    site.assert_ends("front.hello_alone", Ends { answered: 1, ..Ends::default() });
}

fn a_call_within_a_call_has_no_more_time_than_the_outer_one(way: Way) {
    let (site, back) = pair(way);
    let start = Instant::now();
    assert_eq!(site.call(Front_AskHurried {}).code, -32002);
    // A writer finishes, heard or not; it does when its own call is given up.
    site.wait_idle();
    until("the inner call is dropped", || site.probe.left.get() == 1);
    assert!(start.elapsed() < Duration::from_secs(15), "by its own deadline it would take 30 s");
    assert_ends(&back, "back.answer", Ends { expired: 1, ..Ends::default() });
    // Which of the two got its response first is a matter of chance.
    let outer = site.stats("front.ask_hurried");
    assert_eq!((outer.expired + outer.failed, outer.answered), (1, 0), "{outer:?}");
    assert_eq!(site.call(Front_HelloAlone {}), Answer::result("hello"), "nobody holds the state");
}

fn when_the_outer_caller_leaves_the_inner_call_is_given_up(way: Way) {
    let (site, back) = pair(way);
    let leaving = site.ask(Front_Ask { waits: true });
    site.probe.until_entered(1);
    assert_eq!(stats(&back, "back.answer").running, 1);
    leaving.leave();
    until("the inner call is dropped", || site.probe.left.get() == 1);
    assert_ends(&back, "back.answer", Ends { abandoned: 1, ..Ends::default() });
    site.assert_ends("front.ask", Ends { abandoned: 1, ..Ends::default() });
}

fn who_has_given_a_call_up_may_be_called_by_what_it_led_to(way: Way) {
    let (site, back) = pair(way);
    assert_eq!(site.call(Front_AskInVain {}), Answer::result(true));
    site.probe.let_awaits_go(1);
    until("it has come back", || site.stats("front.hello").answered == 1);
    assert_ends(&back, "back.ask_back_later", Ends { abandoned: 1, ..Ends::default() });
}

fn a_notification_has_all_the_time_of_its_own_method_whatever_is_left_of_its_senders(way: Way) {
    let (site, back) = pair(way);
    assert_eq!(site.call(Front_SendOn {}).code, 0);
    site.probe.until_entered(1);
    // It runs for so long that the sender's time is over by far.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(stats(&back, "back.answer").running, 1);
    site.probe.let_awaits_go(1);
    until("it has ended", || stats(&back, "back.answer").answered == 1);
    assert_ends(&back, "back.answer", Ends { answered: 1, ..Ends::default() });
}

fn a_notification_may_go_to_its_sender_and_what_it_was_sent_by_may_be_called(way: Way) {
    let (site, back) = pair(way);
    for round in 1..=3 {
        assert_eq!(site.call(Front_SendRound { to_itself: true }).code, 0);
        assert_eq!(site.call(Front_SendRound { to_itself: false }).code, 0);
        until("both have come back", || site.stats("front.hello_alone").answered == 2 * round);
    }
    assert_ends(&back, "back.ask_back", Ends { answered: 3, ..Ends::default() });
    site.assert_ends("front.hello_alone", Ends { answered: 6, ..Ends::default() });
}

fn notifications_that_send_notifications_do_not_run_within_each_other(way: Way) {
    let (site, back) = pair(way);
    // Both methods are known to be short, so each would run inline if it could: on a stack of some
    // megabytes.
    for _ in 0..10 {
        assert_eq!((site.call(Front_SendToAndFro { times: 0 }).code, back_to(&back)), (0, Ok(())));
    }
    site.wait_idle();
    assert_eq!(site.call(Front_SendToAndFro { times: 20_000 }).code, 0);
    until("the last one has come", || site.stats("front.send_to_and_fro").answered == 20 + 20_001);
}

fn back_to(back: &ServiceRef<Back>) -> Result<(), RpcError> {
    back.notify(Back_SendBack { times: 0 })
}
