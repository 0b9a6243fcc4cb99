use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, hour: u8, #[param(rename = "hour")] minute: u8) {
        let _ = (hour, minute);
    }
}

fn main() {}
