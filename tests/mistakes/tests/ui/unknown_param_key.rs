use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(optional)] hour: u8) {
        let _ = hour;
    }
}

fn main() {}
