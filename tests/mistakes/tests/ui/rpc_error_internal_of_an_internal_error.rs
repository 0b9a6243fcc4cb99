use callbox::{InternalError, RpcError};

#[derive(RpcError)]
enum Closed {
    #[rpc(internal)]
    Door(InternalError),
}

fn main() {}
