//! One topic, many subscribers, as many items as the slowest of them reads.

use std::io;
use std::time::Instant;

use crate::Bench;
use crate::client::{Subscriber, Swarm, check_patience, reply};
use crate::servers::{CAPACITY, Subject};
use callbox_benches::workload::call;

pub(crate) const NAME: &str = "fanout";

pub(crate) const RATE: &str = "items/s";
pub(crate) const CPU: &str = "CPU µs/item";
const BUSY: &str = "busy %";

/// Number of items that are published at once.
const STEP: usize = 250;

/// Number of steps by which the publisher may be ahead of the slowest reader. The items of both
/// must fit into what a server keeps for each reader.
const STEPS_AHEAD: usize = 2;

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let (connections, items) = bench.options.pick((200, 1000), (1000, 10_000));
    for round in 0..bench.options.rounds(3) {
        for at in 0..Subject::BOTH.len() {
            let subject = Subject::BOTH[(at + round) % Subject::BOTH.len()];
            measure(bench, subject, connections, items)?;
        }
    }
    let title = format!("One topic, {connections} connections, {items} items: delivered items");
    bench.report.print(NAME, &title);
    Ok(())
}

fn measure(bench: &mut Bench<'_>, subject: Subject, connections: usize, items: usize) -> io::Result<()> {
    let server = subject.start(&bench.cores, CAPACITY)?;
    let mut swarm = Swarm::open(server.address, 0)?;
    swarm.add_subscribers(connections)?;
    let publisher = swarm.add()?;
    let publish = call("publish", &format!(r#"{{"count":{STEP},"length":0}}"#), 1);

    let mut subscribers: Vec<_> = (0..connections).map(|_| Subscriber::after(0)).collect();
    // Number of subscribers that have all items of a step.
    let mut complete = vec![0; items / STEP];
    let mut published = 0usize;
    let (cpu, begin) = (server.cpu()?, Instant::now());
    let mut progress = begin;
    while complete.last() != Some(&connections) {
        let may_publish = published.checked_sub(STEPS_AHEAD).is_none_or(|read| complete[read] == connections);
        if published < complete.len() && may_publish {
            swarm.send(publisher, &publish)?;
            (published, progress) = (published + 1, Instant::now());
        }
        swarm.serve(|at, message, _| {
            let Some(subscriber) = subscribers.get_mut(at) else { return reply::<u64>(message).map(drop) };
            if let Some(item) = subscriber.receive(message)?
                && let number = item.number as usize
                && number.is_multiple_of(STEP)
            {
                complete[number / STEP - 1] += 1;
            }
            Ok(())
        })?;
        check_patience(progress)?;
    }
    let (took, cpu) = (begin.elapsed().as_secs_f64(), (server.cpu()? - cpu).as_secs_f64());

    if subscribers.iter().any(|subscriber| subscriber.gaps > 0) {
        return Err(io::Error::other(format!("{} reports gaps, although nobody lagged", subject.name())));
    }
    let delivered = (connections * items) as f64;
    bench.report.note(NAME, subject.name(), RATE, delivered / took);
    bench.report.note(NAME, subject.name(), CPU, cpu * 1e6 / delivered);
    bench.report.note(NAME, subject.name(), BUSY, 100.0 * cpu / took);
    Ok(())
}
