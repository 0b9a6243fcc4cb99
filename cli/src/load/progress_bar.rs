//! Runs a plan with a progress bar on the terminal.

use std::cell::Cell;
use std::future::pending;
use std::io::{self, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use indicatif::{ProgressBar, ProgressStyle};

use super::report::Report;
use super::{LoadThread, Plan, Progress};
use crate::format;

/// Interval at which the bar is redrawn.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// The result of a run.
#[derive(Debug)]
pub struct RunResult {
    /// The figures.
    pub report: Report,
    /// Whether Ctrl-c ended the run.
    pub interrupted: bool,
}

/// Runs a plan to its end, or until Ctrl-c, with a progress bar if standard error is a terminal.
/// Must be called within a tokio runtime.
///
/// # Errors
///
/// If no connection could be opened.
pub async fn run(plan: Plan) -> io::Result<RunResult> {
    let duration = plan.duration;
    let bar = bar(duration);
    let (thread, report) = LoadThread::start(plan)?;
    let interrupted = Cell::new(false);
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.set(true);
            thread.stop();
        }
        pending().await
    };
    let watch = async {
        let mut tick = tokio::time::interval(REFRESH_INTERVAL);
        loop {
            tick.tick().await;
            bar.set_position(thread.progress().elapsed.min(duration).as_millis() as u64);
            bar.set_message(message(&thread.progress(), duration));
        }
    };
    let report = match select(report, select(pin!(interrupt), pin!(watch))).await {
        Either::Left((report, _)) => report,
        Either::Right((Either::Left((never, _)) | Either::Right((never, _)), _)) => never,
    };
    bar.finish_and_clear();
    Ok(RunResult { report: report?, interrupted: interrupted.get() })
}

fn bar(duration: Duration) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(duration.as_millis() as u64);
    match ProgressStyle::with_template("{bar:20.cyan/dim} {msg}") {
        Ok(style) => bar.with_style(style.progress_chars("━━─")),
        Err(_) => bar,
    }
}

fn message(progress: &Progress, duration: Duration) -> String {
    let Progress { elapsed, results, errors, rate, p99 } = progress;
    let (seconds, rate) = (elapsed.as_secs_f64().min(duration.as_secs_f64()), format::integer(rate.round() as u64));
    let p99 = p99.map_or_else(|| "-".to_owned(), format::duration);
    let errors = if *errors > 0 { format!("  {} errors", format::integer(*errors)) } else { String::new() };
    format!(
        "{seconds:.1} of {}  {rate}/s  p99 {p99}  {} results{errors}",
        format::duration(duration),
        format::integer(*results)
    )
}
