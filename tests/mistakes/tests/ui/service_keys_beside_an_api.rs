use callbox::{client::api, service};

#[api]
trait StockApi {
    #[public_method]
    fn get(&self);
}

struct Stock;

#[service(api = StockApi, name = "stock", client = false, vis = "pub")]
impl Stock {
    #[handles]
    fn get(&self) {}
}

fn main() {}
