use callbox::service;

type Change = Option<Option<u32>>;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn price(&mut self, to: Change) {
        let _ = to;
    }
}

fn main() {}
