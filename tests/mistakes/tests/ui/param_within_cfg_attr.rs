use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn add(&self, #[cfg_attr(unix, param(default = 1))] count: u64) -> u64 {
        count
    }
}

fn main() {}
