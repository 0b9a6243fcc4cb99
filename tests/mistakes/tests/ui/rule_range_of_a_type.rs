use callbox::service;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Door(u8);

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(range = 1..=40)] door: Door) {
        let _ = door;
    }
}

fn main() {}
