//! The memory of an idle HTTP connection.

use std::io;

use crate::closed_loop::Connection;
use crate::server_process::ServerProcess;

/// Number of connections that pay for what a server allocates once. They are not counted.
pub const UNCOUNTED: usize = 100;

/// Returns the server's memory per idle connection that has had a response, in KiB.
///
/// # Errors
///
/// If a connection fails, or the operating system does not report the memory.
pub fn kib_per_connection(server: &ServerProcess, request: &[u8], count: usize) -> io::Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut kept = Vec::with_capacity(count);
        let mut before = 0;
        for at in 0..count + UNCOUNTED {
            if at == UNCOUNTED {
                before = server.memory()?.resident;
            }
            let mut connection = Connection::open(server.address).await?;
            connection.exchange(request).await?;
            connection.shrink();
            kept.push(connection);
        }
        let after = server.memory()?.resident;
        Ok(after.saturating_sub(before) as f64 / count as f64)
    })
}
