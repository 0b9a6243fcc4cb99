//! How the cost of a call grows: with the methods of a server, its workers, its connections, and
//! the queued calls. Run with `cargo bench -p callbox-benches --bench scale`.
//!
//! `-- --quick` runs a short form, `-- --only methods,queued` some of the measurements. Each series
//! is fitted with a power of the quantity that grows: an exponent of 0 is a cost that does not
//! grow, of 1 a cost that grows in proportion. `benches/README.md` has plots and explains them.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod methods;
mod network;
mod queued;
mod series;
mod service;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use callbox_benches::{figures, server_process};

use series::Series;

/// Counts per thread, without contention, so it does not disturb what is timed.
#[global_allocator]
static ALLOCATOR: alloc_tracker::Allocator<std::alloc::System> = alloc_tracker::Allocator::system();

/// The size of the measurement.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Duration of one measurement.
    time: Duration,
    rounds: usize,
}

type Measure = fn(Effort) -> io::Result<Vec<Series>>;

const ALL: [(&str, Measure); 4] = [
    ("methods", methods::measure),
    ("workers", network::workers),
    ("connections", network::connections),
    ("queued", queued::measure),
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|arg| arg == server_process::ROLE).is_some() {
        return network::serve(&args.next().unwrap_or_default());
    }
    let (effort, only) = match options(args) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(what) => {
            println!("{what}; there are --quick and --only methods,workers,connections,queued");
            return ExitCode::from(2);
        }
    };
    let mut calibration = vec![figures::calibrate()];
    let mut all = Vec::new();
    for (name, measure) in ALL {
        if !only.is_empty() && !only.iter().any(|only| only == name) {
            continue;
        }
        match measure(effort) {
            Ok(measured) => {
                series::print(name, &measured);
                all.extend(measured);
            }
            Err(error) => {
                println!("error: {name}: {error}");
                return ExitCode::FAILURE;
            }
        }
        calibration.push(figures::calibrate());
    }
    println!("\n{}", figures::describe_calibration(&calibration));
    match series::write(&all) {
        Ok(path) => println!("written: {}", path.display()),
        Err(error) => println!("the figures could not be written: {error}"),
    }
    ExitCode::SUCCESS
}

/// Returns `None` if there is nothing to measure: `cargo test` runs benches, too, but without
/// `--bench`.
fn options(mut args: impl Iterator<Item = String>) -> Result<Option<(Effort, Vec<String>)>, String> {
    let (mut only, mut bench) = (Vec::new(), false);
    let mut effort = Effort { time: Duration::from_secs(1), rounds: 5 };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => bench = true,
            "--quick" => effort = Effort { time: Duration::from_millis(100), rounds: 1 },
            "--only" => {
                for name in args.next().unwrap_or_default().split(',') {
                    let known = ALL.iter().any(|(known, _)| *known == name);
                    only.push(if known { name.to_owned() } else { return Err(format!("there is no `{name}`")) });
                }
            }
            other => return Err(format!("`{other}` is unknown")),
        }
    }
    Ok(bench.then_some((effort, only)))
}
