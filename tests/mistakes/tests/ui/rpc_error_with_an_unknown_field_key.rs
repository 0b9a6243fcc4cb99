use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = 404)]
    Gone(#[rpc(details)] u8),
}

fn main() {}
