use std::collections::HashMap;

use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(rest, rename = "b")] a: HashMap<String, u8>) {
        let _ = a;
    }
}

fn main() {}
