use std::cell::Cell;

use callbox::service;

struct Shop {
    opened: Cell<bool>,
}

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {
        self.opened.set(true);
    }

    #[public_method]
    fn close(&self) {
        self.opened.set(false);
    }
}

fn main() {}
