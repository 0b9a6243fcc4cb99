use callbox::{Caller, service};

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(rename = "who")] caller: &Caller) {
        let _ = caller;
    }
}

fn main() {}
