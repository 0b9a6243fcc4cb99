use std::cell::Cell;

use callbox::{Server, service};

struct Shop<T>(T);

#[service]
impl<T> Shop<T> {
    #[public_method]
    fn open(&self) {
        let _ = &self.0;
    }
}

fn main() {
    let _ = Server::new(|| Shop(Cell::new(1)));
}
