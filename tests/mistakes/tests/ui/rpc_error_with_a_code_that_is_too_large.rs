use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = 4_000_000_000)]
    Gone,
}

fn main() {}
