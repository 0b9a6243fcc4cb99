use callbox::service;

struct Shop<T>(T);

#[service]
impl<T> Shop<T> {
    #[public_method]
    fn open(&self) {}
}

fn main() {}
