//! Subscriptions and calls over WebSocket, compared with HTTP and with jsonrpsee: run with `cargo
//! bench -p callbox-benches --bench streams`.
//!
//! Each server runs in its own process and is loaded from this one over loopback, one at a time.
//! `-- --quick` runs a short form, `-- --only fanout,many` some experiments, `-- --rounds 5` more
//! or fewer rounds. A missed target is reported but does not fail the run, because it may be the
//! fault of the machine. A wrong response, an item that is lost or comes twice, and a gap that is
//! not reported fail it. `benches/README.md` explains the figures.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod client;
mod experiments;
mod servers;
mod targets;

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use callbox_benches::layout::{self, CoreAssignment, CoreLayout};
use callbox_benches::report::Report;
use callbox_benches::{process, server_process};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|arg| arg == server_process::ROLE).is_some() {
        return serve(args);
    }
    let options = match options(args) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(what) => {
            println!("{what}; there are --quick, --rounds 5 and --only {}", experiments::names().join(","));
            return ExitCode::from(2);
        }
    };
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a server in its own process. The arguments say which one, on which cores, and how many
/// items it keeps.
fn serve(mut args: impl Iterator<Item = String>) -> ExitCode {
    let mut next = || args.next().unwrap_or_default();
    let (subject, cores, capacity) = (next(), next(), next());
    match (layout::pin_to_cores(&cores), capacity.parse()) {
        (Ok(workers), Ok(capacity)) => servers::serve(&subject, workers, capacity),
        (cores, capacity) => {
            println!("error: no server: {cores:?}, {capacity:?}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) struct Options {
    quick: bool,
    rounds: Option<usize>,
    only: Vec<String>,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    /// Returns `quick` in the short form, and otherwise `full`.
    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Returns the number of rounds of an experiment that has `full` of them by default.
    pub(crate) fn rounds(&self, full: usize) -> usize {
        self.rounds.unwrap_or(self.pick(1, full))
    }
}

/// Returns `None` if there is nothing to measure: `cargo test` runs benches, too, but without
/// `--bench`.
fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { quick: false, rounds: None, only: Vec::new() };
    let mut bench = false;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => bench = true,
            "--quick" => options.quick = true,
            "--rounds" => {
                let number = args.next().and_then(|number| number.parse().ok()).filter(|rounds| *rounds > 0);
                options.rounds = Some(number.ok_or("--rounds takes a number")?);
            }
            "--only" => {
                for name in args.next().unwrap_or_default().split(',') {
                    if !experiments::names().contains(&name) {
                        return Err(format!("there is no experiment `{name}`"));
                    }
                    options.only.push(name.to_owned());
                }
            }
            other => return Err(format!("`{other}` is unknown")),
        }
    }
    Ok(bench.then_some(options))
}

/// What an experiment has.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    pub(crate) cores: CoreAssignment,
    pub(crate) report: Report,
}

/// Makes all measurements.
fn measure(options: &Options) -> io::Result<()> {
    let begin = Instant::now();
    process::allow_many_files()?;
    let cores = CoreLayout::Separate.assign_cores()?;
    let mut bench = Bench { options, cores, report: Report::new(options.quick, &targets::ALL) };
    for (name, run) in experiments::ALL {
        if options.wants(name) {
            run(&mut bench).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
        }
    }
    bench.report.print_summary();
    let path = bench.report.write("streams")?;
    println!("{} s; written: {}", begin.elapsed().as_secs(), path.display());
    Ok(())
}
