use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = 404, text = "gone")]
    Gone,
}

fn main() {}
