use callbox::{RpcError, client::api, service};

#[derive(RpcError)]
enum StockError {
    #[rpc(code = 404)]
    Missing,
}

#[api]
trait StockApi {
    #[public_method]
    fn get(&self, id: u64) -> Result<String, StockError>;

    #[public_method]
    fn count(&self) -> u64;
}

struct Stock;

#[service(api = StockApi)]
impl Stock {
    #[handles]
    fn get(&self, id: u64, limit: u32) -> Result<String, StockError> {
        let _ = (id, limit);
        Err(StockError::Missing)
    }

    #[handles]
    fn count(&self) -> u64 {
        0
    }
}

fn main() {}
