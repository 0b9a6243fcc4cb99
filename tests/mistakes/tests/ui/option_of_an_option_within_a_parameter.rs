use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn price(&mut self, of: Vec<Option<Option<u32>>>, all: Option<Option<Option<u32>>>) {
        let _ = (of, all);
    }
}

fn main() {}
