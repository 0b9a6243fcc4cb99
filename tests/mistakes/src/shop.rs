//! A service with one method of every kind, and an error with one variant of every kind.

use callbox::{CallContext, RpcError, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A shop.
#[derive(Debug, Default)]
pub struct Shop {
    sold: u64,
}

/// Why an item is not sold.
#[derive(Debug, RpcError)]
pub enum Refused {
    /// The shop has no such item.
    #[rpc(code = 404, message = "No {what}")]
    Missing {
        /// The name of the item.
        what: String,
        /// A field that callers do not receive.
        hidden: u8,
    },
    /// Another reason.
    #[rpc(code = 1)]
    Other(u8),
    /// No longer returned.
    #[deprecated]
    #[rpc(code = 2)]
    Old,
}

/// Further parameters.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct More {
    /// A number of items.
    pub count: u8,
}

#[service(vis = "pub")]
impl Shop {
    #[public_method]
    fn sell(&mut self, item: String, #[param(default = 1)] count: u64) -> Result<u64, Refused> {
        if item.is_empty() {
            return Err(Refused::Missing { what: "name".to_owned(), hidden: 1 });
        }
        if count == 0 {
            return Err(Refused::Other(0));
        }
        self.sold += count;
        Ok(self.sold)
    }

    /// Nobody calls this.
    #[public_method]
    pub async fn count(&self, _call: &CallContext, _of: String, #[param(rest)] more: More) -> u64 {
        self.sold + u64::from(more.count)
    }

    #[deprecated(note = "use `sell`")]
    #[public_method]
    fn add(&mut self, item: String) -> usize {
        item.len()
    }

    #[public_method(compute)]
    fn square(of: u32, #[param(rename = "type")] kind: Option<Option<String>>) -> u32 {
        if kind.is_some() { 0 } else { of * of }
    }

    #[on_start]
    fn begin(&mut self) {}
}

/// A service with a client that nobody uses.
struct Hidden;

#[service]
impl Hidden {
    #[public_method]
    fn nothing(&self, of: String) -> usize {
        of.len()
    }
}
