//! Parts that several of the benches share: servers in processes of their own, load over HTTP, and
//! the statistics of repeated measurements.

pub mod closed_loop;
pub mod figures;
pub mod process;
pub mod server_process;
pub mod workload;
