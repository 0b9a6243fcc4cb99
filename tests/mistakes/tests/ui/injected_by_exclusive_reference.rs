use callbox::{Caller, service};

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, caller: &mut Caller) {
        let _ = caller;
    }
}

fn main() {}
