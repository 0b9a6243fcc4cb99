//! Services that call each other.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use callbox::{RpcError, Server, ServiceRef, service};

use crate::probe::Probe;
use crate::site::{Answer, Ends, Site, Way, assert_ends, both_ways, stats};
use crate::support::wait::until;

both_ways! {
    one_may_call_another,
    a_call_that_would_come_back_to_its_service_is_refused_before_it_is_let_in,
    a_call_within_a_call_has_no_more_time_than_the_outer_one,
    when_the_outer_caller_leaves_the_inner_call_is_given_up,
}

pub(crate) struct Front {
    back: Arc<OnceLock<ServiceRef<Back>>>,
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
        self.back.get().unwrap().call(AskBack { writes }).await
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

#[service(name = "back", namespace = "back")]
impl Back {
    #[public_method(message = "Answers")]
    async fn answer(&self, waits: bool) -> String {
        if waits {
            self.probe.hold_await().await;
        }
        "answer".to_owned()
    }

    #[public_method]
    async fn ask_back(&self, writes: bool) -> Result<String, RpcError> {
        let front = self.front.get().unwrap();
        if writes { front.call(HelloAlone {}).await } else { front.call(Hello {}).await }
    }
}

fn pair(way: Way) -> (Site<Front>, ServiceRef<Back>) {
    let (back, front, probe) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()), Probe::new());
    let (to_back, to_front, for_back) = (Arc::clone(&back), Arc::clone(&front), Arc::clone(&probe));
    let server = Server::new(move || Front { back: Arc::clone(&to_back) });
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
        assert_eq!(site.call(Ask { waits: false }), Answer::result("answer"));
    }
    assert_ends(&back, "back.answer", Ends { answered: 3, ..Ends::default() });
}

fn a_call_that_would_come_back_to_its_service_is_refused_before_it_is_let_in(way: Way) {
    let (site, back) = pair(way);
    // What is called round is known to be short, so that it would run where it is called, if it could.
    assert_eq!((site.call(Hello {}).code, site.call(HelloAlone {}).code), (0, 0));
    for writes in [false, true, false, true] {
        // By a deadline it would take 30 s.
        site.call(AskRound { writes }).assert_internal();
    }
    assert_ends(&back, "back.ask_back", Ends { failed: 4, ..Ends::default() });
    site.assert_ends("front.ask_round", Ends { failed: 4, ..Ends::default() });
    site.assert_ends("front.hello", Ends { answered: 1, ..Ends::default() });
    site.assert_ends("front.hello_alone", Ends { answered: 1, ..Ends::default() });
}

fn a_call_within_a_call_has_no_more_time_than_the_outer_one(way: Way) {
    let (site, back) = pair(way);
    let start = Instant::now();
    assert_eq!(site.call(AskHurried {}).code, -32002);
    // A writer finishes, heard or not; it does when its own call is given up.
    site.settled();
    until("the inner call is dropped", || site.probe.left.get() == 1);
    assert!(start.elapsed() < Duration::from_secs(15), "by its own deadline it would take 30 s");
    assert_ends(&back, "back.answer", Ends { expired: 1, ..Ends::default() });
    // Which of the two was told first is a matter of chance.
    let outer = site.stats("front.ask_hurried");
    assert_eq!((outer.expired + outer.failed, outer.answered), (1, 0), "{outer:?}");
    assert_eq!(site.call(HelloAlone {}), Answer::result("hello"), "nobody holds the state");
}

fn when_the_outer_caller_leaves_the_inner_call_is_given_up(way: Way) {
    let (site, back) = pair(way);
    let leaving = site.ask(Ask { waits: true });
    site.probe.until_entered(1);
    assert_eq!(stats(&back, "back.answer").running, 1);
    leaving.leave();
    until("the inner call is dropped", || site.probe.left.get() == 1);
    assert_ends(&back, "back.answer", Ends { abandoned: 1, ..Ends::default() });
    site.assert_ends("front.ask", Ends { abandoned: 1, ..Ends::default() });
}
