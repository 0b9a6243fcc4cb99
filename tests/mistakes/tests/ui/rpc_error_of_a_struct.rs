use callbox::RpcError;

#[derive(RpcError)]
struct Failure {
    id: u8,
}

fn main() {}
