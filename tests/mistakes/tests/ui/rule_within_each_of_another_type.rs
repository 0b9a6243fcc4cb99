use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(each(length = 1..))] door: Vec<u8>) {
        let _ = door;
    }
}

fn main() {}
