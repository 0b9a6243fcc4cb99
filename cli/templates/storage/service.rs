//! The service: its fields are the state, its methods the API.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use callbox::{RpcError, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum number of items in one response.
const PAGE: u32 = 1_000;

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The key of the value.
    pub key: String,
    /// Any JSON.
    pub value: Value,
}

/// The reasons why a value is not found.
#[derive(Debug, RpcError)]
pub enum StorageError {
    /// The key was never stored, was removed, or has expired.
    #[rpc(code = 404, message = "No such key {key}")]
    NotFound {
        /// The requested key.
        key: String,
    },
}

#[derive(Debug)]
struct Entry {
    value: Value,
    expires: Option<Instant>,
}

impl Entry {
    fn is_live(&self, now: Instant) -> bool {
        self.expires.is_none_or(|end| now < end)
    }
}

/// Keeps values in memory, each under a key.
#[derive(Debug, Default)]
pub struct KeyValues {
    entries: BTreeMap<String, Entry>,
    /// The entries that expire, in the order of their expiry.
    expiries: BTreeSet<(Instant, String)>,
}

#[service(name = "example.storage")]
impl KeyValues {
    /// Stores a value, for `ttl_ms` milliseconds or permanently. Replaces an earlier value.
    #[public_method]
    pub fn put(&mut self, key: String, value: Value, ttl_ms: Option<u64>) {
        let now = Instant::now();
        self.drop_expired(now);
        self.take(&key);
        let expires = ttl_ms.and_then(|ttl| now.checked_add(Duration::from_millis(ttl)));
        if let Some(end) = expires {
            self.expiries.insert((end, key.clone()));
        }
        self.entries.insert(key, Entry { value, expires });
    }

    /// Returns the value of a key.
    #[public_method]
    pub fn get(&self, key: String) -> Result<Value, StorageError> {
        match self.entries.get(&key) {
            Some(entry) if entry.is_live(Instant::now()) => Ok(entry.value.clone()),
            _ => Err(StorageError::NotFound { key }),
        }
    }

    /// Removes a key, and returns whether it existed.
    #[public_method]
    pub fn remove(&mut self, key: String) -> bool {
        self.drop_expired(Instant::now());
        self.take(&key).is_some()
    }

    /// Returns the items whose keys begin with `prefix`, in the order of their keys: at most
    /// `limit`, and at most 1,000. To continue, pass the last key as `after`.
    #[public_method]
    pub fn scan(&self, prefix: String, after: Option<String>, #[param(default = 100)] limit: u32) -> Vec<Item> {
        let now = Instant::now();
        let from = after.as_ref().map_or(&prefix, |after| after.max(&prefix));
        self.entries
            .range::<String, _>(from..)
            .take_while(|(key, _)| key.starts_with(&prefix))
            .filter(|(key, entry)| entry.is_live(now) && Some(*key) != after.as_ref())
            .take(limit.min(PAGE) as usize)
            .map(|(key, entry)| Item { key: key.clone(), value: entry.value.clone() })
            .collect()
    }

    /// Returns the number of values.
    #[public_method]
    pub fn count(&self) -> u64 {
        let now = Instant::now();
        self.entries.values().filter(|entry| entry.is_live(now)).count() as u64
    }

    /// Removes everything. Needs a token.
    #[private_api_method]
    pub fn clear(&mut self) {
        self.entries.clear();
        self.expiries.clear();
    }
}

impl KeyValues {
    fn take(&mut self, key: &str) -> Option<Entry> {
        let (key, entry) = self.entries.remove_entry(key)?;
        if let Some(end) = entry.expires {
            self.expiries.remove(&(end, key));
        }
        Some(entry)
    }

    /// Each change removes what has expired before it, so no timer is needed.
    fn drop_expired(&mut self, now: Instant) {
        while self.expiries.first().is_some_and(|(end, _)| *end <= now) {
            if let Some((_, key)) = self.expiries.pop_first() {
                self.entries.remove(&key);
            }
        }
    }
}
