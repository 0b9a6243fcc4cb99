use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn price(&mut self, #[param(default = None)] to: Option<Option<u32>>) {
        let _ = to;
    }
}

fn main() {}
