//! Call cycles, compared with a model: services call each other in every possible way. A call is
//! rejected if, and only if, its service waits for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use callbox::testing::in_process;
use callbox::{RpcError, ServiceRef, service};
use futures::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

const SERVICES: usize = 3;

/// Nothing here takes longer, unless it waits for itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a method does, one after another.
type Plan = Vec<Step>;

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
struct Step {
    how: How,
    service: usize,
    /// Of the method that is called.
    plan: Plan,
    /// Tells the steps of one program apart.
    #[serde(default)]
    number: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema, Serialize)]
enum How {
    /// Calls, and waits for the answer.
    Call,
    Notify,
    /// Spawns a task that calls.
    Task,
    /// Calls, and has a task wait for the answer.
    HandOver,
}

/// What the services of one program share.
struct World {
    services: [OnceLock<ServiceRef<Node>>; SERVICES],
    /// By step: whether it was refused.
    refused: Mutex<BTreeMap<usize, bool>>,
    /// The steps that were handed over.
    handed_over: watch::Sender<Vec<usize>>,
    /// How many methods have ended.
    ended: watch::Sender<usize>,
}

struct Node {
    world: Arc<World>,
}

#[service(name = "node")]
impl Node {
    /// `&mut self` callers would wait for each other's state as well, which is another matter.
    #[public_method(in_flight = 200, deadline = "20s")]
    async fn run(&self, step: Step) -> Result<(), RpcError> {
        if step.how == How::HandOver {
            let is_it = |steps: &Vec<usize>| steps.contains(&step.number);
            let _ = self.world.handed_over.subscribe().wait_for(is_it).await;
        }
        for step in step.plan {
            self.world.take(step).await;
        }
        self.world.ended.send_modify(|ended| *ended += 1);
        Ok(())
    }
}

impl World {
    fn note(&self, number: usize, reply: &Result<(), RpcError>) {
        if let Err(error) = reply {
            assert_eq!(error.code(), -32603, "{error}");
        }
        assert!(self.refused.lock().unwrap().insert(number, reply.is_err()).is_none());
    }

    async fn take(self: &Arc<Self>, step: Step) {
        let (world, how, number) = (Arc::clone(self), step.how, step.number);
        let service = self.services[step.service].get().unwrap().clone();
        match how {
            How::Call => self.note(number, &service.call(Node_Run { step }).await),
            How::Notify => self.note(number, &service.notify(Node_Run { step })),
            How::Task => {
                actix::spawn(async move { world.note(number, &service.call(Node_Run { step }).await) });
            }
            How::HandOver => {
                let mut call = Box::pin(async move { service.call(Node_Run { step }).await });
                match call.as_mut().now_or_never() {
                    Some(reply) => self.note(number, &reply),
                    None => {
                        actix::spawn(async move {
                            // The task has polled the response, so from then on it is the waiting
                            // one.
                            assert!(call.as_mut().now_or_never().is_none());
                            world.handed_over.send_modify(|steps| steps.push(number));
                            world.note(number, &call.await);
                        });
                    }
                }
            }
        }
    }
}

/// What must become of each step: refused if its service is one of those that wait for it.
fn expect(plan: &Plan, waiting: &[usize], refused: &mut BTreeMap<usize, bool>) {
    for step in plan {
        let waits = matches!(step.how, How::Call | How::HandOver);
        let is_circle = waits && waiting.contains(&step.service);
        refused.insert(step.number, is_circle);
        if !is_circle {
            let before = if step.how == How::Call { waiting } else { &[] };
            expect(&step.plan, &[before, &[step.service]].concat(), refused);
        }
    }
}

fn number(plan: &mut Plan, next: &mut usize) {
    for step in plan {
        step.number = *next;
        *next += 1;
        number(&mut step.plan, next);
    }
}

fn step() -> impl Strategy<Value = Step> {
    let how =
        || prop_oneof![4 => Just(How::Call), 1 => Just(How::Notify), 1 => Just(How::Task), 1 => Just(How::HandOver)];
    let of = |how, service, plan| Step { how, service, plan, number: 0 };
    let leaf = (how(), 0..SERVICES).prop_map(move |(how, service)| of(how, service, Vec::new()));
    leaf.prop_recursive(5, 24, 3, move |inner| {
        (how(), 0..SERVICES, vec(inner, 0..4)).prop_map(move |(how, service, plan)| of(how, service, plan))
    })
}

proptest! {
    #![proptest_config(super::cases(200))]

    #[test]
    fn a_call_is_refused_if_it_would_wait_for_itself_and_only_then(mut plan in vec(step(), 1..4)) {
        number(&mut plan, &mut 0);
        let mut expected = BTreeMap::new();
        expect(&plan, &[], &mut expected);

        let world = Arc::new(World {
            services: Default::default(),
            refused: Mutex::default(),
            handed_over: watch::Sender::default(),
            ended: watch::Sender::default(),
        });
        let nodes: Vec<_> = world.services.iter().map(|service| {
            let of_node = Arc::clone(&world);
            let node = in_process(move || Node { world: Arc::clone(&of_node) });
            assert!(service.set(node.service().clone()).is_ok());
            node
        }).collect();
        let ran = expected.values().filter(|refused| !**refused).count();
        // As from a task: nobody outside of the services counts as waiting.
        let all = async {
            for step in plan {
                world.take(step).await;
            }
            let _ = world.ended.subscribe().wait_for(|ended| *ended == ran).await;
            while world.refused.lock().unwrap().len() < expected.len() {
                tokio::task::yield_now().await;
            }
        };
        let in_time = actix::System::new().block_on(async { tokio::time::timeout(PATIENCE, all).await });
        prop_assert!(in_time.is_ok(), "a circle that nobody sees waits for ever");
        prop_assert_eq!(&*world.refused.lock().unwrap(), &expected);
        drop(nodes);
    }
}
