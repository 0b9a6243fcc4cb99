use callbox::service;

fn is_open(door: &bool) -> Result<(), String> {
    if *door { Ok(()) } else { Err("is shut".to_owned()) }
}

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(validate = is_open)] door: u8) {
        let _ = door;
    }
}

fn main() {}
