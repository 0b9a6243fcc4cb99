//! The service: a guestbook, and a bell that takes its time.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use callbox::{RpcError, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum number of entries; the oldest ones are dropped first.
const KEPT: usize = 1_000;
/// Maximum lengths of a name and of a text, in characters.
const LONGEST: [usize; 2] = [40, 280];

/// One entry of the guestbook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The number of the entry, counted from 1.
    pub id: u64,
    /// The name of the visitor.
    pub name: String,
    /// The text of the visitor.
    pub text: String,
    /// The time of the entry, in seconds since 1970.
    pub signed: u64,
}

/// The error of an entry that is rejected.
#[derive(Debug, RpcError)]
pub enum SignError {
    /// The field is empty or blank.
    #[rpc(code = 422, message = "Please fill in the {field}")]
    Blank {
        /// The field: `name` or `text`.
        #[rpc(data)]
        field: &'static str,
    },
    /// The field is too long.
    #[rpc(code = 422, message = "The {field} has {length} characters, and may have {most}")]
    TooLong {
        /// The field: `name` or `text`.
        #[rpc(data)]
        field: &'static str,
        /// The length of the field, in characters.
        length: usize,
        /// The maximum length.
        most: usize,
    },
}

/// The entries of the visitors.
#[derive(Debug)]
pub struct Guestbook {
    entries: VecDeque<Entry>,
    last_id: u64,
    rung: u64,
}

/// A guestbook in which two visitors have written already.
impl Default for Guestbook {
    fn default() -> Self {
        let mut book = Self { entries: VecDeque::new(), last_id: 0, rung: 0 };
        book.write("Ada", "The engine weaves pages just as the loom weaves flowers and leaves.".to_owned());
        book.write("Grace", "Found no moths today. Ring the bell and watch its mailbox drain!".to_owned());
        book
    }
}

impl Guestbook {
    fn write(&mut self, name: &str, text: String) -> Entry {
        self.last_id += 1;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let entry = Entry { id: self.last_id, name: name.to_owned(), text, signed: now.as_secs() };
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry.clone());
        entry
    }
}

#[service(name = "example.guestbook")]
impl Guestbook {
    /// Writes an entry, and returns it.
    #[public_method(deadline = "5s")]
    pub fn sign(&mut self, name: String, text: String) -> Result<Entry, SignError> {
        let (name, text) = (name.trim(), text.trim());
        for (field, value, most) in [("name", name, LONGEST[0]), ("text", text, LONGEST[1])] {
            match value.chars().count() {
                0 => return Err(SignError::Blank { field }),
                length if length > most => return Err(SignError::TooLong { field, length, most }),
                _ => {}
            }
        }
        Ok(self.write(name, text.to_owned()))
    }

    /// Returns the entries with an id above `after`, the newest first.
    #[public_method]
    pub fn entries(&self, #[param(default = 0)] after: u64, #[param(default = 50)] limit: u32) -> Vec<Entry> {
        let new = self.entries.iter().rev().take_while(|entry| entry.id > after);
        new.take(limit as usize).cloned().collect()
    }

    /// Returns the number of entries.
    #[public_method]
    pub fn count(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Rings the bell, which holds the state for 40 ms. Calls of the other methods run between two
    /// rings.
    #[public_method(mailbox = 32)]
    pub async fn ring(&mut self) -> u64 {
        actix::clock::sleep(Duration::from_millis(40)).await;
        self.rung += 1;
        self.rung
    }

    /// Removes an entry, and returns whether it was there. Needs a token.
    #[private_api_method]
    pub fn erase(&mut self, id: u64) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        self.entries.len() < before
    }
}
