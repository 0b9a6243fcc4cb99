//! Calls over NATS, beside a bare client of NATS, and what becomes of them when instances are slow,
//! stop, or are killed. Run with `cargo bench -p callbox-benches --bench nats`.
//!
//! Needs a NATS server: `bash tests/python/setup` installs one, and the variable `NATS_SERVER`
//! names another. Each instance runs in its own process, and is loaded from this one over loopback.
//! `-- --quick` runs a short form, `-- --only calls,slow` some experiments, `-- --rounds 5` more or
//! fewer rounds. A missed target is reported and fails nothing, because it may be the fault of the
//! machine. A call that is lost where none may be fails the run. `benches/README.md` explains the
//! figures.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod calls;
mod instances;
mod killed;
mod load;
mod outage;
mod restarts;
mod slow;
mod targets;

use std::io;
use std::process::ExitCode;

use callbox_benches::report::Report;
use callbox_benches::{process, server_process};

/// Runs an experiment, and prints its table.
type Run = fn(&mut Bench) -> io::Result<()>;

/// All experiments, by their names on the command line.
const ALL: [(&str, Run); 5] = [
    (calls::NAME, calls::run),
    (slow::NAME, slow::run),
    (restarts::NAME, restarts::run),
    (killed::NAME, killed::run),
    (outage::NAME, outage::run),
];

/// What an experiment has.
struct Bench {
    quick: bool,
    rounds: Option<usize>,
    report: Report,
}

impl Bench {
    /// Returns `quick` in the short form, and otherwise `full`.
    fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Returns the number of rounds of an experiment that has `full` of them by default.
    fn rounds(&self, full: usize) -> usize {
        self.rounds.unwrap_or(self.pick(1, full))
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|arg| arg == server_process::ROLE).is_some() {
        return instances::serve(args);
    }
    let (mut is_bench, mut quick, mut rounds, mut only) = (false, false, None, Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => is_bench = true,
            "--quick" => quick = true,
            "--rounds" => rounds = args.next().and_then(|number| number.parse().ok()),
            "--only" => only.extend(args.next().unwrap_or_default().split(',').map(str::to_owned)),
            other => {
                println!(
                    "`{other}` is unknown; there are --quick, --rounds 5 and --only calls,slow,restarts,killed,outage"
                );
                return ExitCode::from(2);
            }
        }
    }
    // `cargo test` runs benches, too, but without `--bench`.
    if !is_bench {
        return ExitCode::SUCCESS;
    }
    match measure(Bench { quick, rounds, report: Report::new(quick, &targets::ALL) }, &only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes all measurements.
fn measure(mut bench: Bench, only: &[String]) -> io::Result<()> {
    process::allow_many_files()?;
    for (name, run) in ALL {
        if only.is_empty() || only.iter().any(|only| only == name) {
            run(&mut bench).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
        }
    }
    bench.report.print_summary();
    println!("written: {}", bench.report.write("nats")?.display());
    Ok(())
}
