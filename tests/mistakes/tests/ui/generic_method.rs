use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open<T>(&self, hour: T) {
        let _ = hour;
    }
}

fn main() {}
