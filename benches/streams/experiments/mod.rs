//! The experiments.

pub(crate) mod beside;
pub(crate) mod calls;
pub(crate) mod cancel;
pub(crate) mod fanout;
pub(crate) mod many;
mod pacing;
pub(crate) mod pausers;
pub(crate) mod resume;

use std::io;

use crate::Bench;

/// Runs an experiment, and prints its table.
type Run = fn(&mut Bench<'_>) -> io::Result<()>;

/// All experiments, by their names on the command line.
pub(crate) const ALL: [(&str, Run); 7] = [
    (calls::NAME, calls::run),
    (fanout::NAME, fanout::run),
    (many::NAME, many::run),
    (pausers::NAME, pausers::run),
    (beside::NAME, beside::run),
    (cancel::NAME, cancel::run),
    (resume::NAME, resume::run),
];

/// Returns the names of all experiments.
pub(crate) fn names() -> [&'static str; ALL.len()] {
    ALL.map(|(name, _)| name)
}
