//! The cost of a call, from bytes to bytes, by the number of methods of the server.

use std::io;
use std::time::{Duration, Instant};

use callbox::testing::{InProcess, in_process_with};
use callbox::{Placement, Service};
use tokio::runtime::{self, Runtime};

use crate::Effort;
use crate::series::Series;
use crate::service::{Eight, MAX_METHODS, One, SixtyFour};
use callbox_benches::workload::call;

/// Number of calls between two readings of the clock.
const CALLS_PER_CHECK: u32 = 200;

pub(crate) fn measure(effort: Effort) -> io::Result<Vec<Series>> {
    let title = "What a call costs as methods are added";
    let subjects = [("where it arrives", Placement::Inline), ("through the actor", Placement::Actor)];
    let mut all = subjects.map(|(subject, _)| Series::new(title, subject, "methods", "µs per call"));
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    for _ in 0..effort.rounds {
        for (series, (_, placement)) in all.iter_mut().zip(subjects) {
            let one = in_process_with(|| One::<0>, move |server| server.placement(placement));
            series.note(1, micros(&runtime, &one, 0, effort.time));
            let eight = in_process_with(|| Eight::<0>, move |server| server.placement(placement));
            series.note(8, micros(&runtime, &eight, 7, effort.time));
            let wide = in_process_with(|| SixtyFour::<0>, move |server| server.placement(placement));
            series.note(MAX_METHODS, micros(&runtime, &wide, MAX_METHODS - 1, effort.time));
            let several = in_process_with(
                || SixtyFour::<0>,
                move |server| {
                    let server =
                        server.service(|| SixtyFour::<1>).service(|| SixtyFour::<2>).service(|| SixtyFour::<3>);
                    let server =
                        server.service(|| SixtyFour::<4>).service(|| SixtyFour::<5>).service(|| SixtyFour::<6>);
                    server.service(|| SixtyFour::<7>).placement(placement)
                },
            );
            series.note(8 * MAX_METHODS, micros(&runtime, &several, MAX_METHODS - 1, effort.time));
        }
    }
    Ok(all.into())
}

/// Returns the microseconds for a call of the method with this number, one call after another.
fn micros<S: Service>(runtime: &Runtime, service: &InProcess<S>, number: usize, time: Duration) -> f64 {
    let body = call(&format!("a.{number:03}"), "{}", 1);
    runtime.block_on(async {
        let many = async || {
            for _ in 0..CALLS_PER_CHECK {
                let answer = service.answer(body.as_bytes()).await;
                assert!(answer.is_some_and(|answer| answer.ends_with(br#""result":true,"id":1}"#)));
            }
        };
        // Warm-up: the service learns the cost of the method.
        many().await;
        let (begin, mut calls) = (Instant::now(), 0);
        while begin.elapsed() < time {
            many().await;
            calls += CALLS_PER_CHECK;
        }
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    })
}
