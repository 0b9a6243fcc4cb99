use callbox::RpcError;

struct Door;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = 404)]
    Gone(#[rpc(data)] Door),
}

fn main() {}
