//! The service: its fields are the state, its methods the API.

use callbox::service;

/// Greets people and counts them.
#[derive(Debug, Default)]
pub struct MyService {
    greeted: u64,
}

#[service(name = "my_service")]
impl MyService {
    /// Says hello.
    #[public_method]
    pub fn say_hello(&mut self, name: String) -> String {
        self.greeted += 1;
        format!("hello {name}")
    }

    /// Returns how many people were greeted.
    #[public_method]
    pub fn count(&self) -> u64 {
        self.greeted
    }

    /// Says hello to callers with a token.
    #[private_api_method]
    pub fn say_private_hello(&self, name: String) -> String {
        format!("hello {name}, this is private")
    }
}
