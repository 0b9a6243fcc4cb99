use std::collections::HashMap;

use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(rest)] a: HashMap<String, u8>, hour: u8) {
        let _ = (a, hour);
    }
}

fn main() {}
