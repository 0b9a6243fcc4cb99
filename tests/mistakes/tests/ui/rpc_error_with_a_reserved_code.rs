use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = -32001)]
    Gone,
}

fn main() {}
