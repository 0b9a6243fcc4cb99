//! Methods of any name beside types of any name: the code that the macro writes hides nothing and
//! collides with nothing.

use std::collections::HashMap;

use callbox::service;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// What they are called.
    pub name: String,
}

/// How an order is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub enum OrderStatus {
    /// Nobody has seen it.
    #[default]
    Open,
}

/// What the message of `status` might be called, and is not.
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

#[service(name = "users", namespace = "users")]
impl Users {
    /// Has the name of its result.
    #[public_method]
    pub fn user(&self, id: u64) -> Option<User> {
        self.users.get(&id).cloned()
    }

    /// Has the name of a method of the other service.
    #[public_method]
    pub fn get(&self, id: u64) -> Option<User> {
        self.users.get(&id).cloned()
    }

    /// Has the name of the service.
    #[public_method]
    pub fn users(&self) -> Vec<User> {
        self.users.values().cloned().collect()
    }
}

/// A method for each name, which its type hides if the macro is not careful.
macro_rules! methods {
    ($($name:ident)*) => {
        #[service(name = "orders", namespace = "orders")]
        impl Order {
            /// Together with the name of the service that of a type beside it.
            #[public_method]
            pub fn status(&self) -> OrderStatus {
                self.status
            }

            /// Together with the name of the service that of the client.
            #[public_method]
            pub fn client(&self) {}

            /// Has the name of a method of the other service.
            #[public_method]
            pub fn get(&self, id: u64) -> Option<u64> {
                Some(id)
            }

            $(
                /// Has the name of something of the standard library.
                ///
                /// # Errors
                /// None.
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

/// All mean what they meant: each of these is used as what it is.
///
/// # Errors
/// If there is a user 1.
pub fn untouched(users: &Users) -> Result<Box<dyn Iterator<Item = String> + Send + Sync + '_>, User>
where
    User: Clone + Send + Sync + Sized,
{
    match users.user(1) {
        Some(user) => Err(user),
        None => Ok(Box::new(users.users.values().map(|user| user.name.clone()))),
    }
}
