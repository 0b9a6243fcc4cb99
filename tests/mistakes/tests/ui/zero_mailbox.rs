use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(mailbox = 0)]
    fn open(&self) {}
}

fn main() {}
