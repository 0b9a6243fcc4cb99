use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(self: std::sync::Arc<Self>) {}
}

fn main() {}
