use callbox::RpcError;

#[derive(RpcError)]
enum Closed {
    #[rpc(internal)]
    Door { name: String, since: u64 },
}

fn main() {}
