//! Which cores the servers may use, and which the load.

use std::fmt;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Layout {
    /// The load has the last core for itself and the server all others, so that only the server limits what is done.
    Apart,
    /// Both may use all cores, as the system sees fit: what they cost each other counts, too.
    Shared,
}

impl Layout {
    pub(crate) const ALL: [Self; 2] = [Self::Apart, Self::Shared];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Apart => "apart",
            Self::Shared => "shared",
        }
    }

    /// Keeps this process, which is the load, to its part of the cores it may use; returns the servers' part.
    pub(crate) fn divide(self) -> io::Result<Cores> {
        let all = Cores::allowed()?;
        match (self, &all.0[..]) {
            (Self::Shared, _) => Ok(all),
            (Self::Apart, [servers @ .., last]) if !servers.is_empty() => {
                Cores(vec![*last]).keep_to()?;
                Ok(Cores(servers.to_vec()))
            }
            (Self::Apart, _) => {
                Err(io::Error::other("a load apart from the server needs two cores; with one, use --layout shared"))
            }
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apart => "the load has a core for itself, the server the others",
            Self::Shared => "server and load share all cores",
        })
    }
}

/// Cores, by the system's numbers; at least one.
pub(crate) struct Cores(Vec<usize>);

impl Cores {
    /// Those this process may use.
    fn allowed() -> io::Result<Self> {
        let set = sched_getaffinity(None)?;
        Ok(Self((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()))
    }

    /// Keeps this thread, and those that it starts, to these cores.
    fn keep_to(&self) -> io::Result<()> {
        let mut set = CpuSet::new();
        self.0.iter().for_each(|core| set.set(*core));
        Ok(sched_setaffinity(None, &set)?)
    }

    /// As an argument of the process of a server.
    pub(crate) fn to_argument(&self) -> String {
        let numbers: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        numbers.join(",")
    }

    /// In the process of a server: keeps to the cores of the argument; returns how many they are.
    pub(crate) fn keep_to_argument(argument: &str) -> io::Result<usize> {
        let numbers: Result<Vec<usize>, _> = argument.split(',').map(str::parse).collect();
        let cores = Self(numbers.map_err(io::Error::other)?);
        cores.keep_to()?;
        Ok(cores.0.len())
    }
}
