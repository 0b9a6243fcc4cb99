//! What several of the benches share: servers in their own processes, load over HTTP, and the
//! statistics of repeated measurements.

pub mod bound;
pub mod closed_loop;
pub mod figures;
pub mod idle_memory;
pub mod layout;
pub mod measurement;
pub mod process;
pub mod report;
pub mod server_process;
pub mod target;
pub mod workload;
