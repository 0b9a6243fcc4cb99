use callbox::{RpcError, service};

#[derive(RpcError)]
enum Closed {
    #[rpc(code = 1)]
    Closed,
}

type Opened = Result<u8, Closed>;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> Opened {
        Ok(1)
    }
}

fn main() {}
