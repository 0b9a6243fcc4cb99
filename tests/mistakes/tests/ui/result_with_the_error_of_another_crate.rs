use std::io;

use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> io::Result<u8> {
        Ok(1)
    }
}

fn main() {}
