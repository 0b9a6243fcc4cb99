use callbox::service;

struct Shop<'a>(&'a str);

#[service]
impl<'a> Shop<'a> {
    #[public_method]
    fn open(&self) -> usize {
        self.0.len()
    }
}

fn main() {}
