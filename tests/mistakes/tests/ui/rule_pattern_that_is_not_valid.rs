use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(pattern = "^[a-z+$")] door: String) {
        let _ = door;
    }
}

fn main() {}
