//! Limits and memory of a process, as the operating system reports them.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files to the maximum for this user, for thousands of connections, and
/// returns it. Processes that are started later inherit it.
///
/// # Errors
///
/// If the limit cannot be changed.
pub fn allow_many_files() -> io::Result<u64> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.unwrap_or(u64::MAX))
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident memory.
    pub resident: u64,
    /// Largest resident memory since the start of the process.
    pub peak: u64,
}

impl Memory {
    /// Returns the memory of the process with this id.
    ///
    /// # Errors
    ///
    /// If the operating system does not report it.
    pub fn of(process: u32) -> io::Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).ok_or(io::ErrorKind::InvalidData)
        };
        Ok(Self { resident: field("VmRSS")?, peak: field("VmHWM")? })
    }

    /// Returns by how many MiB the process has grown since an earlier measurement, or had grown at
    /// any time in between.
    pub fn growth_since(self, earlier: Self) -> f64 {
        let resident = self.resident.saturating_sub(earlier.resident);
        resident.max(self.peak.saturating_sub(earlier.peak)) as f64 / 1024.0
    }
}
