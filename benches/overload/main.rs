//! callbox under load, compared with its alternatives: run with `cargo bench -p callbox-benches
//! --bench overload`.
//!
//! `-- --quick` runs short forms of all experiments within a minute, `-- --only 1,8` runs some of
//! them. The figures are printed beside their targets. A missed target is reported but does not
//! fail the run, because it may be the fault of the machine; a dashboard that does not show a flood
//! does. `benches/README.md` explains what each experiment shows.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod baseline;
mod concurrent_reads;
mod cost;
mod dashboard;
mod failures;
mod fairness;
mod goodput;
mod http;
mod isolation;
mod latencies;
mod load;
mod load_step;
mod report;
mod service;
mod subject;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use callbox_benches::bound::Bound;
use report::Report;

/// Counts per thread, without contention, so it does not disturb what is timed.
#[global_allocator]
static ALLOCATOR: alloc_tracker::Allocator<std::alloc::System> = alloc_tracker::Allocator::system();

/// An experiment, and the settings, the report and the faults of the run.
struct Run<'a> {
    experiment: u8,
    report: &'a mut Report,
    faults: &'a mut Vec<String>,
    quick: bool,
}

impl Run<'_> {
    /// Returns one duration for a full run, and another one for a quick run.
    fn secs(&self, full: f64, quick: f64) -> Duration {
        Duration::from_secs_f64(if self.quick { quick } else { full })
    }

    /// Returns how often everything is repeated, with a calibration before each repeat.
    fn repeats(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// Notes a fault that no machine excuses: the run fails at its end.
    fn fail(&mut self, fault: String) {
        self.faults.push(fault);
    }

    fn calibrate(&mut self) {
        self.report.calibrate();
    }

    fn note(
        &mut self,
        subject: &dyn std::fmt::Display,
        what: &str,
        unit: &'static str,
        value: f64,
        target: Option<Bound>,
    ) {
        self.report.note(self.experiment, subject, what, unit, value, target);
    }
}

type Experiment = fn(&mut Run<'_>);

const EXPERIMENTS: [(&str, Experiment); 9] = [
    ("A ping beside a flooded method", isolation::run),
    ("Goodput over offered load", goodput::run),
    ("Shares of the actor's time", fairness::run),
    ("Concurrent reads", concurrent_reads::run),
    ("One call in a hundred panics", failures::panics),
    ("Clients that disconnect while their calls are queued", failures::disconnects),
    ("A step from half load to 1.4 × capacity", load_step::run),
    ("The cost of a call", cost::calls),
    ("Two threads instead of one", cost::threads),
];

fn main() -> ExitCode {
    let begin = Instant::now();
    let Options { quick, only } = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(what) => {
            println!("{what}; there are --quick and --only 1,8");
            return ExitCode::from(2);
        }
    };
    silence_deliberate_panics();
    let (mut report, mut faults) = (Report::new(quick), Vec::new());
    for (number, (title, experiment)) in (1..).zip(EXPERIMENTS) {
        if only.is_empty() || only.contains(&number) {
            experiment(&mut Run { experiment: number, report: &mut report, faults: &mut faults, quick });
            report.print(number, title);
        }
    }
    report.print_summary();
    match report.write() {
        Ok(path) => println!("{} s; written: {}", begin.elapsed().as_secs(), path.display()),
        Err(error) => println!("the figures could not be written: {error}"),
    }
    faults.iter().for_each(|fault| println!("error: {fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Options {
    quick: bool,
    only: Vec<u8>,
}

/// Returns `None` if there is nothing to measure: `cargo test` runs benches, too, but without
/// `--bench`.
fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let (mut options, mut bench) = (Options { quick: false, only: Vec::new() }, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => bench = true,
            "--quick" => options.quick = true,
            "--only" => {
                let numbers = args.next().unwrap_or_default();
                for number in numbers.split(',') {
                    let known = number.trim().parse().ok().filter(|number| (1..=9).contains(number));
                    options.only.push(known.ok_or_else(|| format!("there is no experiment `{number}`"))?);
                }
            }
            other => return Err(format!("`{other}` is unknown")),
        }
    }
    Ok(bench.then_some(options))
}

/// Deliberate panics are not reported: writing the report would be most of their cost.
fn silence_deliberate_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref() != Some(&service::DELIBERATE_PANIC) {
            usual(panic);
        }
    }));
}
