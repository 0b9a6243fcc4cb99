//! A server under valgrind's callgrind, which counts its instructions.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::servers::{MARK, Subject};
use callbox_benches::figures::output_directory;
use callbox_benches::server_process::ROLE;

/// Makes glibc fill and copy memory with ordinary loops. Beyond some kilobytes it uses one
/// repeating instruction, which callgrind counts once per byte. actix clears 3 KiB to look for a
/// head: three thousand instructions instead of a hundred, depending on the processor.
const GLIBC_TUNABLES: &str =
    "glibc.cpu.x86_rep_stosb_threshold=1073741824:glibc.cpu.x86_rep_movsb_threshold=1073741824";

/// A server whose instructions are counted. It is killed when this is dropped.
pub(crate) struct CallgrindServer {
    process: Child,
    commands: ChildStdin,
    output: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    /// The prefix of the files that callgrind writes, which are numbered in the order of the marks.
    files: PathBuf,
    marks: usize,
}

/// The figures between two marks.
pub(crate) struct Segment {
    pub(crate) instructions: u64,
    /// Number of calls that ran inline since the start, by callbox's own count.
    pub(crate) inline: u64,
}

/// Returns valgrind's version, or `None` if it is not installed.
pub(crate) fn version() -> io::Result<Option<String>> {
    match Command::new("valgrind").arg("--version").output() {
        Ok(output) => Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl CallgrindServer {
    /// Starts a server with one thread for its connections, on one of these cores.
    pub(crate) fn start(subject: Subject, cores: &str) -> io::Result<Self> {
        let files = output_directory()?.join("callgrind").join(subject.name().replace([' ', ','], "-"));
        match fs::remove_dir_all(&files) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&files)?,
        }
        let core = cores.split(',').next().unwrap_or(cores);
        let mut command = Command::new("valgrind");
        // valgrind runs one thread at a time. Without a fair scheduler, the thread that serves the
        // call may wait long for another one, which looks like a slow method.
        command.args(["--tool=callgrind", "--fair-sched=yes", "--log-file=/dev/null"]);
        command.arg(format!("--dump-before={MARK}"));
        command.arg(format!("--callgrind-out-file={}", files.join("calls").display()));
        command.arg(std::env::current_exe()?).args([ROLE, subject.name(), core]);
        // Under valgrind everything is slow, and warnings about that are noise.
        command.env("RUST_LOG", "error").env("GLIBC_TUNABLES", GLIBC_TUNABLES);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (commands, output) = (process.stdin.take(), process.stdout.take().map(BufReader::new));
        let (Some(commands), Some(output)) = (commands, output) else { unreachable!("both are piped") };
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self { process, commands, output, address: unknown, files, marks: 0 };
        server.address = server.line()?.parse().map_err(|_| {
            let what =
                format!("{subject} did not start under valgrind: run it with `valgrind --tool=callgrind` to see why");
            io::Error::other(what)
        })?;
        Ok(server)
    }

    /// Ends a segment, and begins the next one.
    pub(crate) fn mark(&mut self) -> io::Result<Segment> {
        self.commands.write_all(b"mark\n")?;
        let inline = self.line()?.parse().map_err(|_| io::Error::other("the server exited under valgrind"))?;
        self.marks += 1;
        // The server marks twice, and reads its counters in between: the cost of that is in a file
        // of its own.
        let file = self.files.join(format!("calls.{}", 2 * self.marks - 1));
        let text = fs::read_to_string(&file)?;
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
        let instructions = totals.ok_or_else(|| io::Error::other(format!("no totals in {}", file.display())))?;
        Ok(Segment { instructions, inline })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for CallgrindServer {
    fn drop(&mut self) {
        // This fails if the server has exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
