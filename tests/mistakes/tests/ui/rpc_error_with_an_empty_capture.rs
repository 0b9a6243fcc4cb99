use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = 404, message = "{} is gone")]
    Gone(u8),
}

fn main() {}
