use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    #[on_start]
    fn start(&mut self, hour: u8) {
        let _ = hour;
    }
}

fn main() {}
