//! `callbox stress`: open-loop load on one method, with its latencies and errors.

use std::cell::Cell;
use std::fs;
use std::future::pending;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Url;

use crate::credentials::Credentials;
use crate::exit::{Exit, Failure};
use crate::load::{self, Arrivals, Kind, Plan, Progress, Report, ReportToCome, Run, Target};
use crate::terminal::{self, print};
use crate::{arguments, endpoint, runtime, times};

/// More than one thread can send.
const FASTEST: f64 = 200_000.0;

const LONGEST: Duration = Duration::from_secs(3600);

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);

/// What `callbox stress` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// The server's endpoint; without a path, /api is meant
    #[arg(value_parser = endpoint::parse)]
    url: Url,
    /// The method that is called
    method: String,
    /// Its parameters, the same for each call
    #[arg(allow_negative_numbers = true)]
    params: Vec<String>,
    /// Calls a second, however quickly they are answered
    #[arg(long, value_name = "CALLS", default_value = "1000", value_parser = rate)]
    rate: f64,
    /// Connections, each of which carries one call at a time
    #[arg(long, value_name = "NUMBER", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// How long calls are made
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// How long answers are waited for after that
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    patience: Duration,
    /// When calls are due: at random moments, as independent callers call, or at even intervals
    #[arg(long, value_name = "HOW", default_value = "random", value_parser = arrivals)]
    arrivals: Arrivals,
    /// The deadline that is sent with each call
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    deadline: Option<Duration>,
    #[command(flatten)]
    credentials: Credentials,
    /// Draws the latencies by percentile into this file, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Prints the figures as JSON
    #[arg(long)]
    json: bool,
    /// Lets another machine than this one be the target
    #[arg(long)]
    allow_remote: bool,
}

const HELP: &str = "\
A call's latency counts from the moment at which it was due, so a server that stalls cannot hide it by slowing its
callers down. Ctrl-c ends the run early, with the figures so far. Parameters are written as for `callbox call`.

Examples:
  callbox stress http://127.0.0.1:5000/api say_hello name=world
  callbox stress :5000 say_hello name=world --rate 5000 --connections 64 --duration 10s --plot hello.svg";

/// Makes the calls, and tells how they went.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = plan(arguments)?;
    let (duration, plotted) = (plan.duration, arguments.plot.as_deref());
    runtime()?.block_on(async {
        let bar = bar(duration);
        let (run, report) = Run::start(plan).map_err(|error| format!("the load cannot start: {error}"))?;
        let ended = watch(&run, report, &bar, duration).await;
        bar.finish_and_clear();
        let (report, interrupted) = ended.map_err(|error| {
            Failure::new(Exit::Unreachable, format!("{} cannot be reached: {error}", arguments.url))
        })?;
        if arguments.json {
            print(&format!("{:#}\n", report.to_json()))?;
        } else {
            print(&load::table(&report, terminal::colours(&io::stdout())))?;
        }
        if let Some(path) = plotted {
            draw(&report, path)?;
        }
        if interrupted { Err(Failure::new(Exit::Interrupted, "")) } else { Ok(()) }
    })
}

fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    let wrong = |line: String| Failure::new(Exit::Usage, line);
    let target = Target::find(&arguments.url, arguments.allow_remote).map_err(|error| wrong(error.to_string()))?;
    let params = arguments::params(&arguments.params, io::stdin()).map_err(wrong)?;
    let params = params.as_ref().map_or("", |params| params.get());
    let mut headers = Vec::new();
    if let Some(token) = arguments.credentials.token()? {
        headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    if let Some(deadline) = arguments.deadline {
        headers.push(("request-timeout".to_owned(), deadline.as_secs_f64().to_string()));
    }
    let request = load::request(&target.host, &target.path, &headers, &arguments.method, params);
    Ok(Plan {
        target,
        kinds: vec![Kind { method: arguments.method.clone(), weight: 1.0, request }],
        rate: arguments.rate,
        arrivals: arguments.arrivals,
        duration: arguments.duration,
        connections: arguments.connections.into(),
        patience: arguments.patience,
    })
}

/// Shows how far it is until it is over, be it by ctrl-c.
async fn watch(run: &Run, report: ReportToCome, bar: &ProgressBar, duration: Duration) -> io::Result<(Report, bool)> {
    let interrupted = Cell::new(false);
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.set(true);
            run.stop();
        }
        pending().await
    };
    let show = async {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            show(bar, &run.progress(), duration);
        }
    };
    match select(report, select(pin!(interrupt), pin!(show))).await {
        Either::Left((report, _)) => Ok((report?, interrupted.get())),
        Either::Right((Either::Left((never, _)) | Either::Right((never, _)), _)) => never,
    }
}

fn bar(duration: Duration) -> ProgressBar {
    let bar =
        if io::stderr().is_terminal() { ProgressBar::new(duration.as_millis() as u64) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:24.cyan/dim} {msg}").map(|style| style.progress_chars("━━─"));
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

fn show(bar: &ProgressBar, progress: &Progress, duration: Duration) {
    let Progress { elapsed, results, errors, rate, p99 } = progress;
    bar.set_position(elapsed.min(&duration).as_millis() as u64);
    let p99 = p99.map_or_else(|| "-".to_owned(), times::show);
    bar.set_message(format!(
        "{} of {}  {}/s  p99 {p99}  {} results  {} others",
        times::show(*elapsed),
        times::show(duration),
        times::grouped(rate.round() as u64),
        times::grouped(*results),
        times::grouped(*errors),
    ));
}

fn draw(report: &Report, path: &Path) -> Result<(), Failure> {
    let drawn = fs::write(path, load::by_percentile(report).to_string());
    drawn.map_err(|error| format!("{}: {error}", path.display()).into())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.1..=FASTEST).contains(rate));
    rate.ok_or_else(|| format!("give a number of calls a second, from 0.1 to {FASTEST}"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let time = times::parse(text)?;
    if time > LONGEST { Err(format!("no longer than {}", times::show(LONGEST))) } else { Ok(time) }
}

fn arrivals(text: &str) -> Result<Arrivals, String> {
    match text {
        "random" => Ok(Arrivals::Random),
        "even" => Ok(Arrivals::Even),
        other => Err(format!("calls are due at random or even times, not `{other}`")),
    }
}
