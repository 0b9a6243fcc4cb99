//! The progress bar of a call.

use std::io::{self, IsTerminal};
use std::time::Duration;

use callbox::client::ProgressReport;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::sanitize;

/// What the bar shows if the number of all steps is known, and if it is not.
const KNOWN: &str = "{bar:20.cyan/dim} {pos}/{len}  {elapsed}  {msg}";
const UNKNOWN: &str = "{spinner:.cyan} {pos}  {elapsed}  {msg}";

/// Interval at which the time of a bar is drawn again, also as a sign of life.
const TICK_INTERVAL: Duration = Duration::from_millis(200);

/// A bar that appears with the first report. Clones are the same bar.
#[derive(Clone, Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Returns a bar on standard error; `None` if that is no terminal.
    pub(super) fn on_terminal() -> Option<Self> {
        io::stderr().is_terminal().then(Self::hidden)
    }

    /// Returns a bar that is not there yet.
    fn hidden() -> Self {
        Self(ProgressBar::hidden().with_style(style(KNOWN)))
    }

    /// Shows a report on the terminal.
    pub(super) fn show(&self, report: &ProgressReport) {
        self.update(report);
        if self.0.is_hidden() {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
            self.0.enable_steady_tick(TICK_INTERVAL);
        }
    }

    fn update(&self, report: &ProgressReport) {
        let Self(bar) = self;
        if bar.length() != report.total {
            bar.set_style(style(if report.total.is_some() { KNOWN } else { UNKNOWN }));
        }
        bar.update(|state| {
            state.set_pos(report.done);
            if let Some(total) = report.total {
                state.set_len(total);
            }
        });
        bar.set_message(sanitize(&report.message));
    }

    /// Removes the bar from the terminal.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The tests check that the templates are valid.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━━─")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bar: &Bar) -> (u64, Option<u64>, String) {
        (bar.0.position(), bar.0.length(), bar.0.message())
    }

    fn report(json: &str) -> ProgressReport {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_bar_shows_the_newest_report() {
        let bar = Bar::hidden();
        bar.update(&report(r#"{"done":2,"message":"a.csv"}"#));
        assert_eq!(message(&bar), (2, None, "a.csv".to_owned()));
        bar.update(&report(r#"{"done":5,"total":10,"message":"b\u001b[2J"}"#));
        assert_eq!(message(&bar), (5, Some(10), "b\u{fffd}[2J".to_owned()));
        bar.update(&report(r#"{"done":7,"total":20}"#));
        assert_eq!(message(&bar), (7, Some(20), String::new()));
    }

    #[test]
    fn the_templates_are_valid() {
        for template in [KNOWN, UNKNOWN] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
