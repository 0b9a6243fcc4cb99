use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = "404")]
    Gone,
}

fn main() {}
