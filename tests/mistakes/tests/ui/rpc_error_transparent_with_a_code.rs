use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(transparent, code = 404)]
    Gone(RpcError),
}

fn main() {}
