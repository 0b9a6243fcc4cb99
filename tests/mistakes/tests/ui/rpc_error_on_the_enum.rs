use callbox::RpcError;

#[derive(RpcError)]
#[rpc(code = 1)]
enum Failure {
    #[rpc(code = 404)]
    Gone,
}

fn main() {}
