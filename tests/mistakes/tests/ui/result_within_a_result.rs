use callbox::{RpcError, service};

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> Result<Result<u8, String>, RpcError> {
        Ok(Ok(1))
    }
}

fn main() {}
