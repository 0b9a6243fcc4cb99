//! The cores of the servers and of the load.

use std::fmt;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

use crate::closed_loop::WaitMode;

/// How the cores are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CoreLayout {
    /// The load has the last core for itself and the server all others, so that only the server
    /// limits the throughput.
    Separate,
    /// Both may use all cores, as the system schedules them: the time that they take from each
    /// other counts, too.
    Shared,
}

/// The cores that the load leaves to the servers.
#[derive(Debug)]
pub struct CoreAssignment {
    /// The argument for [`pin_to_cores`] in their processes.
    pub cores: String,
    /// What the load does while it waits.
    pub wait_mode: WaitMode,
}

impl CoreLayout {
    /// All layouts.
    pub const ALL: [Self; 2] = [Self::Separate, Self::Shared];

    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Separate => "apart",
            Self::Shared => "shared",
        }
    }

    /// Pins this thread, which is the load, to its share of the cores.
    ///
    /// # Errors
    ///
    /// If there are not enough cores, or the operating system refuses.
    pub fn assign_cores(self) -> io::Result<CoreAssignment> {
        let allowed = sched_getaffinity(None)?;
        let all: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        match (self, &all[..]) {
            (Self::Shared, all) => Ok(CoreAssignment { cores: core_list(all), wait_mode: WaitMode::Sleep }),
            (Self::Separate, [servers @ .., last]) if !servers.is_empty() => {
                set_affinity(&[*last])?;
                Ok(CoreAssignment { cores: core_list(servers), wait_mode: WaitMode::BusyPoll })
            }
            (Self::Separate, _) => {
                Err(io::Error::other("a load apart from the server needs a second core; with one, add --layout shared"))
            }
        }
    }
}

impl fmt::Display for CoreLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Separate => "the load has one for itself, the servers have the others",
            Self::Shared => "servers and load share them",
        })
    }
}

fn core_list(cores: &[usize]) -> String {
    cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

/// Pins this thread, and those that it will start, to the cores of an argument, and returns their
/// number.
///
/// # Errors
///
/// If the argument is no list of cores, or the operating system refuses.
pub fn pin_to_cores(core_list: &str) -> io::Result<usize> {
    let cores: Result<Vec<usize>, _> = core_list.split(',').map(str::parse).collect();
    let cores = cores.map_err(io::Error::other)?;
    set_affinity(&cores)?;
    Ok(cores.len())
}

fn set_affinity(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    Ok(sched_setaffinity(None, &set)?)
}
