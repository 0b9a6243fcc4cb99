use callbox::service;

struct Door;

#[derive(serde::Serialize, serde::Deserialize)]
struct Key;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, door: Vec<Door>, #[param(rest)] key: Key) -> Option<Door> {
        let _ = key;
        door.into_iter().next()
    }
}

fn main() {}
