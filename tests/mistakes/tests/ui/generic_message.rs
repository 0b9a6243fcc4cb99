use callbox::service;

struct Shop<T>(T);

#[service]
impl<T: Send + Sync + 'static> Shop<T> {
    #[public_method]
    fn open(&self, with: Vec<T>) -> Option<Self> {
        drop(with);
        None
    }
}

fn main() {}
