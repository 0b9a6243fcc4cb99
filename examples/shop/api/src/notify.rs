//! Mail to customers.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mail {
    /// The address of the customer.
    pub to: String,
    /// The text.
    pub text: String,
    /// The time from which on it is sent.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub due: Timestamp,
}

/// Sends mail, later.
#[callbox_client::api(name = "notify", namespace = "notify")]
pub trait NotifyApi {
    /// Sends a mail after some seconds.
    #[private_api_method(scope = "notify:write")]
    fn schedule(&self, to: String, text: String, #[param(default = 0)] after_s: u32);

    /// Sends what is due, and returns how many mails that were. The service calls it every second.
    #[private_api_method(scope = "notify:write")]
    fn send_due(&self) -> usize;

    /// Returns the mails that were sent last, the newest first.
    #[private_api_method(scope = "notify:read", idempotent)]
    fn sent(&self) -> Vec<Mail>;
}
