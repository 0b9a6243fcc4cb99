use callbox::RpcError;

struct Key;

#[derive(RpcError)]
enum Closed {
    #[rpc(internal)]
    Door(Key),
}

fn main() {}
