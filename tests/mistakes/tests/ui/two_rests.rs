use std::collections::HashMap;

use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(rest)] a: HashMap<String, u8>, #[param(rest)] b: HashMap<String, u8>) {
        let _ = (a, b);
    }
}

fn main() {}
