use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(mailbox)]
    fn open(&self) {}
}

fn main() {}
