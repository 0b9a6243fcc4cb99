//! Methods of any name next to types of any name: the items that the macro writes neither hide nor
//! collide with others.

use std::collections::HashMap;

use callbox::client::api;
use callbox::{RpcError, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The name of the user.
    pub name: String,
}

/// The status of an order.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub enum OrderStatus {
    /// Nobody has processed the order.
    #[default]
    Open,
}

/// A name that a macro might give to the message of `status`. This one does not.
#[derive(Debug)]
pub struct OrderStatusMessage;

/// Keeps users.
#[derive(Debug, Default)]
pub struct Users {
    users: HashMap<u64, User>,
}

/// Keeps orders.
#[derive(Debug, Default)]
pub struct Order {
    status: OrderStatus,
}

/// A module with the name of a crate that the macros know.
pub mod callbox_client {
    /// What a user has set.
    #[derive(Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct Settings {
        /// Whether the background is dark.
        pub dark: bool,
    }
}

/// A type with a name that a macro might give to the data of an error.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Data {
    /// The cause of the error.
    pub cause: String,
}

/// An error with data of that name.
#[derive(Debug, RpcError)]
pub enum Broken {
    /// Has one field that callers receive.
    #[rpc(code = 1)]
    Data {
        /// The data.
        #[rpc(data)]
        detail: Data,
    },
}

fn on(name: &String) -> Result<(), &'static str> {
    if name == "on" { Ok(()) } else { Err("is not on") }
}

#[service(name = "users", namespace = "users")]
impl Users {
    /// Has the same name as its result type.
    #[public_method]
    pub fn user(&self, id: u64) -> Option<User> {
        self.users.get(&id).cloned()
    }

    /// Has the same name as a method of the other service.
    #[public_method]
    pub fn get(&self, id: u64) -> Option<User> {
        self.users.get(&id).cloned()
    }

    /// Takes a type from a module with the name of a crate.
    ///
    /// # Errors
    /// Never returns one.
    #[public_method]
    pub fn set(&self, settings: crate::names::callbox_client::Settings) -> Result<bool, Broken> {
        Ok(settings.dark)
    }

    /// Checks with a function that has the name of a variable of the macro.
    #[public_method]
    pub fn switch(
        &self,
        #[param(validate = on)] to: String,
        #[param(validate = on)] then: Option<String>,
        #[param(each(length = 1..))] all: Option<Vec<String>>,
    ) -> usize {
        to.len() + then.map_or(0, |then| then.len()) + all.map_or(0, |all| all.len())
    }

    /// Has the same name as the service.
    #[public_method]
    pub fn users(&self) -> Vec<User> {
        self.users.values().cloned().collect()
    }
}

/// Writes a method for each name. The message of each would hide a type of the standard library if
/// it had the plain name of the method.
macro_rules! methods {
    ($($name:ident)*) => {
        #[service(name = "orders", namespace = "orders")]
        impl Order {
            /// Its name after that of the service is the name of another type.
            #[public_method]
            pub fn status(&self) -> OrderStatus {
                self.status
            }

            /// Its name after that of the service is the name of the client.
            #[public_method]
            pub fn client(&self) {}

            /// Has the same name as a method of the other service.
            #[public_method]
            pub fn get(&self, id: u64) -> Option<u64> {
                Some(id)
            }

            $(
                /// Has the name of an item of the standard library.
                ///
                /// # Errors
                /// Never returns one.
                #[public_method]
                pub fn $name(&self, list: Vec<u8>, value: Option<String>) -> Result<Box<Option<String>>, callbox::RpcError> {
                    drop(list);
                    Ok(Box::new(value.or(None)))
                }
            )*
        }
    };
}

methods! {
    option some none ok err result string vec r#box send sync sized clone copy default drop from into iterator to_string
    serialize deserialize json_schema debug future pin phantom_data cow hash_map message handles service rpc_error str
}

/// An API whose methods are marked under a condition.
#[api]
pub trait StockApi {
    /// Returns the number of items.
    #[cfg_attr(all(), public_method)]
    fn count(&self, item: String) -> u64;

    /// Removes all items.
    #[cfg_attr(all(), private_api_method(scope = "write"))]
    #[cfg_attr(any(), public_method)]
    fn clear(&self);
}

/// Uses the messages of the API.
pub fn messages(item: String) -> (Stock_Count, Stock_Clear) {
    (Stock_Count { item }, Stock_Clear {})
}

/// Uses items of the standard library, which all still have their meaning.
///
/// # Errors
/// Returns user 1, if there is one.
pub fn untouched(users: &Users) -> Result<Box<dyn Iterator<Item = String> + Send + Sync + '_>, User>
where
    User: Clone + Send + Sync + Sized,
{
    match users.user(1) {
        Some(user) => Err(user),
        None => Ok(Box::new(users.users.values().map(|user| user.name.clone()))),
    }
}
