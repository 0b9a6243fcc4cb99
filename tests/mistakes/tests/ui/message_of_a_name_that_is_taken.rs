use callbox::service;

struct Open;

struct Shop;

#[service]
impl Shop {
    #[public_method(message = "Open")]
    fn open(&self) -> u8 {
        let Open = Open;
        1
    }
}

fn main() {}
