use callbox::RpcError;

#[derive(RpcError)]
enum Closed {
    #[rpc(internal, code = 500, message = "Closed: {0}")]
    Door(#[rpc(data)] String),
}

fn main() {}
