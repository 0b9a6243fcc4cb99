use callbox::RpcError;

#[derive(RpcError)]
enum Closed {
    #[rpc(code = 1)]
    Door(#[rpc(from)] String, u64),
}

fn main() {}
