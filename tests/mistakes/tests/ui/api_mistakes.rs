use callbox::client::api;

#[api(nome = "stock")]
trait StockApi {
    const N: usize;

    fn unmarked(&self);

    #[handles]
    fn handled(&self);

    #[public_method(mailbox = 4)]
    fn sized(&self);

    #[public_method]
    async fn later(&mut self, caller: &str, of: Option<Self>) {}
}

#[api]
trait Empty<T>: Send {}

#[api]
struct NoTrait;

fn main() {}
