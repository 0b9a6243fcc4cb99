//! The cost of a call over HTTP, compared with a bare actix-web handler, a plain actix actor,
//! jsonrpsee and axum: run with `cargo bench -p callbox-benches --bench http`.
//!
//! Each server runs in its own process and is loaded from this one over loopback, in turn and in
//! rounds. `-- --quick` runs a short form, `-- --only trivial,batch` some workloads, `-- --rounds
//! 30` more rounds. A missed target is reported but does not fail the run, because it may be the
//! fault of the machine. The exception is the target for the instructions of a call, which valgrind
//! counts. `benches/README.md` explains the figures.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod callgrind;
mod idle;
mod instructions;
mod report;
mod servers;
mod targets;
mod traces;
mod workloads;

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use callbox_benches::layout::{self, CoreAssignment, CoreLayout};
use callbox_benches::measurement::{self, Sample};
use callbox_benches::process;
use callbox_benches::server_process::{self, ServerProcess};
use callbox_benches::workload::Workload;

use report::Report;
use servers::Subject;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|arg| arg == server_process::ROLE).is_some() {
        return serve(args);
    }
    let options = match options(args) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(what) => {
            println!("{what}; there are --quick, --rounds 30, --layout shared and --only trivial,counter");
            return ExitCode::from(2);
        }
    };
    match measure(&options) {
        Ok(report) if report.wrong() > 0 => {
            println!("error: {} responses were wrong", report.wrong());
            ExitCode::FAILURE
        }
        Ok(report) if report.failed() => {
            println!("error: a call takes more instructions than its target allows, on any machine");
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a server in its own process. The arguments say which one, and on which cores.
fn serve(mut args: impl Iterator<Item = String>) -> ExitCode {
    let (subject, cores) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    match layout::pin_to_cores(&cores) {
        Ok(workers) => servers::serve(&subject, workers),
        Err(error) => {
            println!("error: no server on the cores {cores}: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    quick: bool,
    layout: CoreLayout,
    rounds: usize,
    only: Vec<String>,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

/// Returns `None` if there is nothing to measure: `cargo test` runs benches, too, but without
/// `--bench`.
fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let (mut quick, mut rounds, mut only, mut bench, mut layout) =
        (false, None, Vec::new(), false, CoreLayout::Separate);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => bench = true,
            "--quick" => quick = true,
            "--rounds" => {
                let number = args.next().and_then(|number| number.parse().ok()).filter(|rounds| *rounds > 0);
                rounds = Some(number.ok_or("--rounds takes a number")?);
            }
            "--layout" => {
                let name = args.next().unwrap_or_default();
                let known = CoreLayout::ALL.into_iter().find(|layout| layout.name() == name);
                layout = known.ok_or_else(|| format!("there is no layout `{name}`"))?;
            }
            "--only" => {
                for name in args.next().unwrap_or_default().split(',') {
                    let others = [idle::NAME, instructions::NAME, traces::NAME];
                    let known = workloads::ALL.iter().any(|workload| workload.name == name) || others.contains(&name);
                    only.push(if known {
                        name.to_owned()
                    } else {
                        return Err(format!("there is no workload `{name}`"));
                    });
                }
            }
            other => return Err(format!("`{other}` is unknown")),
        }
    }
    let rounds = rounds.unwrap_or(if quick { 1 } else { 15 });
    Ok(bench.then_some(Options { quick, layout, rounds, only }))
}

/// Makes all measurements.
fn measure(options: &Options) -> io::Result<Report> {
    let begin = Instant::now();
    let files = process::allow_many_files()?;
    let (warm_up, time) = if options.quick { (100, 200) } else { (150, 650) };
    let (warm_up, time) = (Duration::from_millis(warm_up), Duration::from_millis(time));
    let mut report = Report::new(options.quick, options.layout);
    let assignment = options.layout.assign_cores()?;
    for workload in workloads::ALL.iter().filter(|workload| options.wants(workload.name)) {
        // One server runs at a time, so that none disturbs another, and each runs in every round,
        // so that all meet the same machine. There are many short rounds: a shared machine is
        // slower for seconds at a time, which would be the median of a few long rounds.
        for round in 0..options.rounds {
            for at in 0..Subject::ALL.len() {
                let subject = Subject::ALL[(at + round) % Subject::ALL.len()];
                report.note(workload, subject, measure_subject(workload, subject, &assignment, warm_up, time)?);
            }
        }
        report.print(workload);
    }
    if options.wants(traces::NAME) {
        traces::run(options, &assignment, (warm_up, time))?;
    }
    if options.wants(idle::NAME) {
        idle::run(&mut report, options, &assignment.cores, files)?;
    }
    if options.wants(instructions::NAME) {
        instructions::run(&mut report, options, &assignment.cores)?;
    }
    report.print_summary();
    let path = report.write()?;
    println!("{} s; written: {}", begin.elapsed().as_secs(), path.display());
    Ok(report)
}

fn measure_subject(
    workload: &Workload,
    subject: Subject,
    assignment: &CoreAssignment,
    warm_up: Duration,
    time: Duration,
) -> io::Result<Sample> {
    let server = ServerProcess::start(&[subject.name(), &assignment.cores])?;
    measurement::measure(&server, workload, (warm_up, time), assignment.wait_mode)
}
