use callbox::service;

struct Stock;

#[service]
impl Stock {
    #[handles]
    fn get(&self) {}
}

fn main() {}
