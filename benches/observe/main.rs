//! What it costs to watch a server: a scrape each second, scrapes of many methods, and the access
//! log. Run with `cargo bench -p callbox-benches --bench observe`.
//!
//! Each server runs in its own process and is loaded from this one over loopback, in turn and in
//! rounds. `-- --quick` runs a short form, `-- --only scrapes,sizes,logs` some of the experiments,
//! `-- --layout shared` gives servers and load the same cores. A missed target is reported and
//! fails nothing, because it may be the fault of the machine. `benches/README.md` explains the
//! figures.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod logs;
#[path = "../scale/service.rs"]
mod many_methods;
mod sample;
mod scrapes;
mod servers;
mod sizes;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use callbox_benches::layout::{self, CoreAssignment, CoreLayout};
use callbox_benches::{figures, server_process};
use serde_json::{Map, Value};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Effort {
    warm_up: Duration,
    /// Duration of one measurement.
    time: Duration,
    rounds: usize,
}

/// Measures, prints the figures, and returns them.
type Experiment = fn(Effort, &CoreAssignment) -> io::Result<Value>;

const ALL: [(&str, Experiment); 3] = [("scrapes", scrapes::run), ("sizes", sizes::run), ("logs", logs::run)];

struct Options {
    effort: Effort,
    layout: CoreLayout,
    only: Vec<String>,
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|arg| arg == server_process::ROLE).is_some() {
        let (subject, cores) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
        return match layout::pin_to_cores(&cores) {
            Ok(workers) => servers::serve(&subject, workers),
            Err(error) => {
                println!("error: no server on the cores {cores}: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let options = match options(args) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(what) => {
            println!("{what}; there are --quick, --layout shared and --only scrapes,sizes,logs");
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

fn measure(options: &Options) -> io::Result<()> {
    let mut calibration = vec![figures::calibrate()];
    let assignment = options.layout.assign_cores()?;
    let mut all = Map::new();
    for (name, experiment) in ALL {
        if options.only.is_empty() || options.only.iter().any(|only| only == name) {
            all.insert(name.to_owned(), experiment(options.effort, &assignment)?);
            calibration.push(figures::calibrate());
        }
    }
    println!("\nThe cores: {}.\n{}", options.layout, figures::describe_calibration(&calibration));
    let path = figures::output_directory()?.join("observe.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&all)?)?;
    println!("written: {}", path.display());
    Ok(())
}

/// Returns `None` if there is nothing to measure: `cargo test` runs benches, too, but without
/// `--bench`.
fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let millis = Duration::from_millis;
    let (mut effort, mut layout) =
        (Effort { warm_up: millis(300), time: millis(2500), rounds: 9 }, CoreLayout::Separate);
    let (mut only, mut bench) = (Vec::new(), false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => bench = true,
            "--quick" => effort = Effort { warm_up: millis(100), time: millis(1100), rounds: 1 },
            "--layout" => {
                let name = args.next().unwrap_or_default();
                let known = CoreLayout::ALL.into_iter().find(|layout| layout.name() == name);
                layout = known.ok_or_else(|| format!("there is no layout `{name}`"))?;
            }
            "--only" => {
                for name in args.next().unwrap_or_default().split(',') {
                    let known = ALL.iter().any(|(known, _)| *known == name);
                    only.push(if known { name.to_owned() } else { return Err(format!("there is no `{name}`")) });
                }
            }
            other => return Err(format!("`{other}` is unknown")),
        }
    }
    Ok(bench.then_some(Options { effort, layout, only }))
}
