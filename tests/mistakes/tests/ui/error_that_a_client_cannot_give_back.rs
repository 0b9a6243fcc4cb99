use callbox::{RpcError, service};

struct Closed;

impl From<Closed> for RpcError {
    fn from(_: Closed) -> Self {
        RpcError::new(1, "Closed")
    }
}

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> Result<u8, Closed> {
        Err(Closed)
    }
}

fn main() {}
