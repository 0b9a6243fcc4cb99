use callbox::service;

#[service]
struct Shop;

fn main() {}
