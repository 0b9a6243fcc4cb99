use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn get_service_specs(&self) {}
}

fn main() {}
