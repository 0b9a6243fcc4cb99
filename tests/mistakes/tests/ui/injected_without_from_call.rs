use callbox::service;

struct Clock;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, clock: &Clock) {
        let _ = clock;
    }
}

fn main() {}
