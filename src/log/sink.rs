//! Whole lines on their way out: what cannot be written is counted, and reported later.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{JsonLine, LogFormat, count_lost_lines, keep_lost_lines, take_lost_lines};

/// The target of lines that are written without `tracing`.
pub(crate) const TARGET: &str = "callbox::server";

/// Whether the last line on standard error is a part of one, whose rest could not be written.
static STDERR_IN_LINE: AtomicBool = AtomicBool::new(false);

/// Where lines go.
pub(crate) struct Sink<'a, W> {
    out: W,
    /// Whether the last line is a part of one, whose rest could not be written.
    in_line: &'a AtomicBool,
    format: LogFormat,
}

impl<W> Sink<'static, W> {
    pub(crate) fn new(out: W, format: LogFormat) -> Self {
        Self { out, in_line: &STDERR_IN_LINE, format }
    }
}

impl<W: Write> Sink<'_, W> {
    /// Writes lines, after a line with the number of those that were lost before. If writing fails,
    /// these lines are lost, too.
    pub(crate) fn write_lines(&mut self, lines: &[u8]) {
        let lost = take_lost_lines();
        if lost > 0 && self.write_whole(self.lost_report(lost).as_bytes()).is_err() {
            keep_lost_lines(lost);
            return count_lost_lines(number_of_lines(lines));
        }
        if let Err(rest) = self.write_whole(lines) {
            count_lost_lines(number_of_lines(rest));
        }
    }

    /// Returns the line that says how many lines were lost.
    fn lost_report(&self, lost: u64) -> String {
        let text = format!("{lost} lines of the log could not be written");
        match self.format {
            LogFormat::Text => text + "\n",
            LogFormat::Json => JsonLine::new("WARN", TARGET, &text).end(),
        }
    }

    /// Writes whole lines, after a line break if a part of another one stands before them.
    ///
    /// # Errors
    /// What could not be written.
    fn write_whole<'l>(&mut self, lines: &'l [u8]) -> Result<(), &'l [u8]> {
        if self.in_line.load(Ordering::Relaxed) {
            self.out.write_all(b"\n").map_err(|_| lines)?;
            self.in_line.store(false, Ordering::Relaxed);
        }
        let mut rest = lines;
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(count @ 1..) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => {
                    let written = &lines[..lines.len() - rest.len()];
                    self.in_line.store(written.last().is_some_and(|last| *last != b'\n'), Ordering::Relaxed);
                    return Err(rest);
                }
            }
        }
        Ok(())
    }
}

/// Returns the number of lines that end in these bytes.
pub(super) fn number_of_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A disk that may be full.
    struct Disk {
        full: bool,
        written: String,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.full {
                return Err(ErrorKind::StorageFull.into());
            }
            self.written += std::str::from_utf8(bytes).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A pipe that takes a few bytes at once, and then none.
    struct Pipe {
        room: usize,
        written: Vec<u8>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room).min(5);
            if count == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.room -= count;
            self.written.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_a_part_of_a_line_the_next_one_begins_anew() {
        let (pipe, in_line) = (Pipe { room: 12, written: Vec::new() }, AtomicBool::new(false));
        let mut sink = Sink { out: pipe, in_line: &in_line, format: LogFormat::Json };
        let line = b"{\"time\":\"a long line\"}\n";
        assert!(sink.write_whole(line).is_err());
        sink.out.room = usize::MAX;
        sink.write_whole(line).unwrap();
        assert_eq!(sink.out.written, b"{\"time\":\"a l\n{\"time\":\"a long line\"}\n");
    }

    #[test]
    fn lost_lines_are_reported_in_the_format_of_the_log() {
        let report = |format| Sink::new(io::sink(), format).lost_report(3);
        assert_eq!(report(LogFormat::Text), "3 lines of the log could not be written\n");
        let line: serde_json::Value = serde_json::from_str(&report(LogFormat::Json)).unwrap();
        assert_eq!(
            (line["message"].as_str(), line["level"].as_str()),
            (report(LogFormat::Text).lines().next(), Some("WARN"))
        );
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_reported_once_writing_works_again() {
        let mut disk = Disk { full: false, written: String::new() };
        // Takes the count of lines that other tests have lost.
        let write = |disk: &mut Disk, line: &[u8]| Sink::new(disk, LogFormat::Text).write_lines(line);
        write(&mut disk, b"first\n");
        disk.written.clear();
        disk.full = true;
        (0..3).for_each(|_| write(&mut disk, b"nobody sees this\n"));
        disk.full = false;
        write(&mut disk, b"last\n");
        let mut lines = disk.written.lines().filter(|line| !line.is_empty());
        let count = lines.next().and_then(|line| line.strip_suffix(" lines of the log could not be written"));
        assert!(count.and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count >= 3), "{}", disk.written);
        assert_eq!((lines.next(), lines.next()), (Some("last"), None));
    }
}
