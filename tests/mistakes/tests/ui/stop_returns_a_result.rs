use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    #[on_stop]
    fn stop(&mut self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
