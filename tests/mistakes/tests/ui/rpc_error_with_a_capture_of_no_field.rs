use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = 404, message = "{name} is gone")]
    Gone { id: u8 },
}

fn main() {}
