use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(compute)]
    async fn open() {}
}

fn main() {}
