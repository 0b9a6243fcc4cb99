use callbox::service;

struct Shop;

#[service(vis = "public")]
impl Shop {
    #[public_method]
    fn open(&self) {}
}

fn main() {}
