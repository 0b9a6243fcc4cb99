//! Puts a service under a load of your choice: run with `cargo bench -p callbox-benches --bench
//! stress`; `-- --help` lists the options.
//!
//! Without `--url` it starts a built-in service in its own process. `benches/README.md` shows how
//! to load your own.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod charts;
mod depth;
mod options;
mod server;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::{env, fs};

use callbox_cli::format;
use callbox_cli::load::{self, RunResult};
use callbox_cli::plot::Chart;
use clap::Parser;
use futures::future::{Either, select};
use serde_json::json;

use depth::DepthMonitor;
use options::{Options, Subject};
use server::{ROLE, Server};

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == ROLE) {
        return server::serve();
    }
    // `cargo test` runs benches, too, but without `--bench`: then there is nothing to measure.
    if !words.iter().any(|word| word == "--bench") {
        return ExitCode::SUCCESS;
    }
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            println!("Error: {line}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    // The process of the built-in service ends with this function.
    let own = if options.url.is_none() {
        Some(Server::start().map_err(|error| format!("the service did not start: {error}"))?)
    } else {
        None
    };
    let subject = Subject::new(options, own.as_ref())?;
    let plan = options.plan(&subject)?;
    println!(
        "{} calls/s for {} over {} connections to {}",
        plan.rate,
        format::duration(plan.duration),
        plan.connections,
        plan.target
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let monitor = DepthMonitor::new(&subject)?;
    let failure = runtime.block_on(async {
        match select(pin!(load::run(plan)), pin!(monitor.run())).await {
            Either::Left((failure, _)) => failure,
            Either::Right((never, _)) => never,
        }
    });
    let RunResult { report, interrupted } =
        failure.map_err(|error| format!("{} cannot be reached: {error}", subject.url))?;
    println!("\n{}", load::render_table(&report, io::stdout().is_terminal()));
    if interrupted {
        println!("Ended early, by Ctrl-c.");
    }
    println!("{monitor}");
    write("stress.json", &format!("{:#}\n", json!({ "load": report.to_json(), "mailboxes": monitor.to_json() })));
    draw("stress-percentiles", Some(load::by_percentile(&report)));
    draw("stress-over-time", charts::over_time(&report));
    draw("stress-depth", monitor.chart());
    if report.total().count(load::Outcome::is_answer) == 0 {
        return Err("no call had a response".to_owned());
    }
    Ok(())
}

fn draw(name: &str, chart: Option<Chart>) {
    if let Some(chart) = chart {
        write(&format!("{name}.svg"), &chart.to_string());
    }
}

/// Writes a file to `target/bench`. An error is only printed, because the figures have been printed
/// already.
fn write(name: &str, text: &str) {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("bench");
    let path = directory.join(name);
    match fs::create_dir_all(&directory).and_then(|()| fs::write(&path, text)) {
        Ok(()) => println!("written: {}", path.display()),
        Err(error) => println!("{name} could not be written: {error}"),
    }
}
