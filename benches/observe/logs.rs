//! What the access log costs, by where standard error leads.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::process::Stdio;

use callbox_benches::layout::CoreAssignment;
use callbox_benches::server_process::ServerProcess;
use serde_json::Value;

use crate::Effort;
use crate::sample::{self, Subject, measure};
use crate::servers::{LOGGED, UNLOGGED};

/// Where standard error leads.
#[derive(Clone, Copy, Debug)]
enum Place {
    File,
    /// A pipe that somebody reads.
    Pipe,
    /// A pipe that nobody reads, which is soon full.
    FullPipe,
    /// A pipe without a reader.
    Closed,
}

const SUBJECTS: [(&str, Option<Place>); 6] = [
    ("no access log", None),
    ("to a file", Some(Place::File)),
    ("to a pipe that is read", Some(Place::Pipe)),
    ("to a pipe that nobody reads", Some(Place::FullPipe)),
    ("to a pipe without a reader", Some(Place::Closed)),
    ("no access log, again", None),
];

/// Reads a pipe to its end.
fn drain(pipe: Option<PipeReader>) {
    let mut buffer = vec![0; 64 * 1024];
    if let Some(mut pipe) = pipe {
        while pipe.read(&mut buffer).is_ok_and(|count| count > 0) {}
    }
}

/// Compares servers with an access log with one that has none.
pub(crate) fn run(effort: Effort, assignment: &CoreAssignment) -> io::Result<Value> {
    let directory = tempfile::tempdir()?;
    let mut subjects = SUBJECTS.map(|(name, _)| Subject::new(name));
    for round in 0..effort.rounds {
        for at in 0..subjects.len() {
            let index = (at + round) % subjects.len();
            let (stderr, reader) = match SUBJECTS[index].1 {
                None => (Stdio::null(), None),
                Some(Place::File) => (File::create(directory.path().join("log"))?.into(), None),
                Some(Place::Pipe | Place::FullPipe) => {
                    let (reader, writer) = io::pipe()?;
                    (writer.into(), Some(reader))
                }
                Some(Place::Closed) => (io::pipe()?.1.into(), None),
            };
            let name = if SUBJECTS[index].1.is_some() { LOGGED } else { UNLOGGED };
            let server = ServerProcess::start_with(&[name, &assignment.cores], &[], stderr)?;
            let is_read = matches!(SUBJECTS[index].1, Some(Place::Pipe));
            let sample = std::thread::scope(|scope| {
                let (read, unread) = if is_read { (reader, None) } else { (None, reader) };
                scope.spawn(move || drain(read));
                let sample = measure(&server, effort, assignment.wait_mode);
                // The end of the process is that of its log.
                drop((server, unread));
                sample
            });
            subjects[index].samples.push(sample?);
        }
    }
    sample::print("A trivial method, 64 connections; a line for each request", &subjects);
    Ok(serde_json::to_value(&subjects[..])?)
}
