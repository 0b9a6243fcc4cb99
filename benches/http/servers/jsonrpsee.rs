//! jsonrpsee's own server.

use std::net::Ipv4Addr;

use jsonrpsee::RpcModule;
use jsonrpsee::server::{Server, ServerConfig};
use parking_lot::Mutex;
use tokio::runtime;

use super::methods::{Add, Text, Total, add, text, total};
use super::print_address;

pub(super) fn serve(workers: usize) {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let served = runtime.and_then(|runtime| {
        runtime.block_on(async {
            // The default is 100 connections.
            let config = ServerConfig::builder().max_connections(20_000).http_only().build();
            let server = Server::builder().set_config(config).build((Ipv4Addr::LOCALHOST, 0)).await?;
            print_address(server.local_addr()?);
            let running = server.start(module().expect("its methods have different names"));
            running.stopped().await;
            Ok(())
        })
    });
    served.expect("the server runs");
}

fn module() -> Result<RpcModule<Mutex<u64>>, jsonrpsee::server::RegisterMethodError> {
    let mut module = RpcModule::new(Mutex::new(0));
    module.register_method("ping", |_, _, _| true)?;
    module.register_method("count", |_, count, _| {
        let mut count = count.lock();
        *count += 1;
        *count
    })?;
    module.register_method("add", |params, _, _| params.parse::<Add>().map(|Add { a, b }| add(a, b)))?;
    module.register_method("total", |params, _, _| params.parse::<Total>().map(|params| total(&params.values)))?;
    module.register_method("text", |params, _, _| params.parse::<Text>().map(|params| text(params.length)))?;
    Ok(module)
}
