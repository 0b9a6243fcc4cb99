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
    #[handles(deadline = "2s", message = "Read", mailbox = 4)]
    fn get(&self, id: u64) -> Result<String, StockError> {
        let _ = id;
        Err(StockError::Missing)
    }

    #[handles]
    fn count(&self) -> u64 {
        0
    }
}

fn main() {}
