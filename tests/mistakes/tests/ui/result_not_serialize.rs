use callbox::service;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Door;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> Door {
        Door
    }
}

fn main() {}
