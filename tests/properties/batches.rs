//! Batches from several threads at once, to mailboxes that take a few of their calls: all are
//! answered, in their order.

use std::thread;

use callbox::testing::{InProcess, in_process_with};
use callbox::{Placement, service};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Default)]
struct Narrow {
    next: u64,
}

impl Narrow {
    fn count(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// Each answers with its place among all calls that change the state, or with none.
#[service(name = "narrow")]
impl Narrow {
    #[public_method(mailbox = 1)]
    fn one(&mut self) -> u64 {
        self.count()
    }

    #[public_method(mailbox = 3)]
    async fn three(&mut self) -> u64 {
        tokio::task::yield_now().await;
        self.count()
    }

    #[public_method(mailbox = 100)]
    fn many(&mut self) -> u64 {
        self.count()
    }

    #[public_method(mailbox = 2, in_flight = 1)]
    async fn read(&self) -> u64 {
        tokio::task::yield_now().await;
        0
    }
}

const METHODS: [&str; 4] = ["one", "three", "many", "read"];

/// Methods, and whether they are called or notified.
type Batch = Vec<(usize, bool)>;

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let member = (0..METHODS.len(), prop::bool::weighted(0.8));
    let mixed = vec(member, 1..60);
    let of_one = (0..METHODS.len(), 1..100usize).prop_map(|(method, count)| vec![(method, true); count]);
    vec(prop_oneof![mixed, of_one], 1..20)
}

fn send(narrow: &InProcess<Narrow>, batch: &Batch) -> Result<(), TestCaseError> {
    let members = batch.iter().enumerate().map(|(id, (method, is_call))| {
        let mut member = json!({ "jsonrpc": "2.0", "method": METHODS[*method] });
        if *is_call {
            member["id"] = id.into();
        }
        member
    });
    let answer = narrow.post(Value::from_iter(members).to_string());
    let answers: Vec<Value> = answer.map(|answer| serde_json::from_str(&answer).unwrap()).unwrap_or_default();
    let called = batch.iter().enumerate().filter(|(_, (_, is_call))| *is_call);
    prop_assert_eq!(answers.len(), called.clone().count());
    let mut last = [0; METHODS.len()];
    for (answer, (id, (method, _))) in answers.iter().zip(called) {
        prop_assert_eq!(&answer["id"], id);
        let Some(place) = answer["result"].as_u64() else {
            return Err(TestCaseError::fail(format!("{} was answered {answer}", METHODS[*method])));
        };
        prop_assert!(place > last[*method] || METHODS[*method] == "read", "{} overtook another", METHODS[*method]);
        last[*method] = place;
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::cases(48))]

    #[test]
    fn batches_that_meet_are_all_answered_and_each_mailbox_keeps_their_order(
        threads in vec(batches(), 1..5),
        inline in any::<bool>(),
    ) {
        let placement = if inline { Placement::Inline } else { Placement::Actor };
        let narrow = in_process_with(Narrow::default, move |server| server.placement(placement));
        let sent: Vec<Result<(), TestCaseError>> = thread::scope(|scope| {
            let send_all = |batches: &[Batch]| batches.iter().try_for_each(|batch| send(&narrow, batch));
            let senders: Vec<_> = threads.iter().map(|batches| scope.spawn(move || send_all(batches))).collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).collect()
        });
        sent.into_iter().collect::<Result<(), _>>()?;
        narrow.wait_idle();
        for stats in narrow.service().stats() {
            prop_assert_eq!((stats.refused, stats.expired, stats.depth), (0, 0, 0), "{}", stats.method);
        }
    }
}
