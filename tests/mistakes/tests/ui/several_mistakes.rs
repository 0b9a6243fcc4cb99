use std::io;

use callbox::{Service, service};

/// Used outside the block, which must not be reported as well.
async fn others<S: Service>(_: S, message: Rename) {
    let _ = (others(Shop, message), Unlock {});
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Hours {
    open: (u8, u8),
}

struct Shop;

#[service(nam = "shop", namespace = "rpc.shop")]
impl Shop {
    #[public_method(mailboxes = 4, weight = 0)]
    fn open(&self, (from, to): (u8, u8)) -> Hours {
        Hours { open: (from, to) }
    }

    #[public_method(name = "open")]
    fn unlock(door: &str) -> io::Result<()> {
        println!("{door}");
        Ok(())
    }

    #[private_api_method]
    fn rename(&mut self, name: Option<String>, force: bool) {
        let _ = (name, force);
    }

    #[on_stop]
    fn stop(&mut self) -> bool {
        true
    }
}

fn main() {}
