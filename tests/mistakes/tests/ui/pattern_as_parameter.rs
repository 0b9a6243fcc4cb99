use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, (from, to): (u8, u8)) {
        let _ = (from, to);
    }
}

fn main() {}
