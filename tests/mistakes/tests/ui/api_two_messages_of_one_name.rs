use callbox::client::api;

#[api]
trait StockApi {
    #[public_method]
    fn get_all(&self);

    #[public_method(name = "getAll")]
    fn getAll(&self);
}

fn main() {}
