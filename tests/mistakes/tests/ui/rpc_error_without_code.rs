use callbox::RpcError;

#[derive(RpcError)]
enum Failure {
    Gone,
}

fn main() {}
