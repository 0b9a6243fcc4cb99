//! Which cores the servers may use, and which the load.

use std::fmt;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

use callbox_benches::closed_loop::Waits;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Layout {
    /// The load has the last core for itself and the server all others, so that only the server limits what is done.
    Apart,
    /// Both may use all cores, as the system sees fit: what they cost each other counts, too.
    Shared,
}

/// What the load leaves to the servers.
pub(crate) struct ServersPart {
    /// The argument for [`keep_to`] in their processes.
    pub(crate) cores: String,
    pub(crate) load_waits: Waits,
}

impl Layout {
    pub(crate) const ALL: [Self; 2] = [Self::Apart, Self::Shared];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Apart => "apart",
            Self::Shared => "shared",
        }
    }

    /// Keeps this thread, which is the load, to its part of the cores that it may use.
    pub(crate) fn divide(self) -> io::Result<ServersPart> {
        let allowed = sched_getaffinity(None)?;
        let all: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        match (self, &all[..]) {
            (Self::Shared, all) => Ok(ServersPart { cores: argument(all), load_waits: Waits::Asleep }),
            (Self::Apart, [servers @ .., last]) if !servers.is_empty() => {
                set_affinity(&[*last])?;
                Ok(ServersPart { cores: argument(servers), load_waits: Waits::Awake })
            }
            (Self::Apart, _) => {
                Err(io::Error::other("a load apart from the server needs a second core; with one, add --layout shared"))
            }
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apart => "the load has one for itself, the servers have the others",
            Self::Shared => "servers and load share them",
        })
    }
}

fn argument(cores: &[usize]) -> String {
    cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

/// Keeps this thread, and those that it will start, to the cores of an argument; how many they are.
pub(crate) fn keep_to(argument: &str) -> io::Result<usize> {
    let cores: Result<Vec<usize>, _> = argument.split(',').map(str::parse).collect();
    let cores = cores.map_err(io::Error::other)?;
    set_affinity(&cores)?;
    Ok(cores.len())
}

fn set_affinity(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    Ok(sched_setaffinity(None, &set)?)
}
