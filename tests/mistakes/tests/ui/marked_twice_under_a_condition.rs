use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    #[cfg_attr(unix, private_api_method)]
    fn open(&self) {}
}

fn main() {}
