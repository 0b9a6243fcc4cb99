use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(transparent)]
    Gone,
}

fn main() {}
