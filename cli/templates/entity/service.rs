//! The service: its fields are the state, its methods the API.

use std::collections::BTreeMap;
use std::ops::Bound;

use callbox::{RpcError, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum number of users on one page.
const PAGE: u32 = 100;

/// One user, as callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Assigned at creation, and never used again.
    pub id: u64,
    /// Increases by one with each change.
    pub version: u64,
    /// The name of the user.
    pub name: String,
    /// The user's email address.
    pub email: String,
}

/// A page of users, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// The users on this page.
    pub users: Vec<User>,
    /// The value of `after` for the next page; `None` on the last one.
    pub next: Option<u64>,
}

/// The reasons why a call about a user fails.
#[derive(Debug, RpcError)]
pub enum UserError {
    /// No user has this id, or the user was deleted.
    #[rpc(code = 404, message = "No such user {id}")]
    NotFound {
        /// The requested id.
        id: u64,
    },
    /// The user was changed in the meantime: read it again, and decide again.
    #[rpc(code = 409, message = "User {id} is at version {version} by now")]
    Changed {
        /// The requested id.
        id: u64,
        /// The current version of the user.
        version: u64,
    },
}

/// Keeps users in memory, each under an id.
#[derive(Debug, Default)]
pub struct Users {
    users: BTreeMap<u64, User>,
    last_id: u64,
}

#[service(name = "example.users")]
impl Users {
    /// Creates a user with a new id.
    #[public_method]
    pub fn create(&mut self, name: String, email: String) -> User {
        self.last_id += 1;
        let user = User { id: self.last_id, version: 1, name, email };
        self.users.insert(user.id, user.clone());
        user
    }

    /// Returns the user with this id.
    #[public_method]
    pub fn read(&self, id: u64) -> Result<User, UserError> {
        self.users.get(&id).cloned().ok_or(UserError::NotFound { id })
    }

    /// Changes the given fields, if the user still has this version.
    #[public_method]
    pub fn update(
        &mut self,
        id: u64,
        version: u64,
        name: Option<String>,
        email: Option<String>,
    ) -> Result<User, UserError> {
        let user = self.at_version(id, version)?;
        user.version += 1;
        if let Some(name) = name {
            user.name = name;
        }
        if let Some(email) = email {
            user.email = email;
        }
        Ok(user.clone())
    }

    /// Deletes a user, if it still has this version. Needs a token.
    #[private_api_method]
    pub fn delete(&mut self, id: u64, version: u64) -> Result<User, UserError> {
        let user = self.at_version(id, version)?.clone();
        self.users.remove(&id);
        Ok(user)
    }

    /// Returns the users with an id above `after`, at most `limit` and at most 100.
    #[public_method]
    pub fn list(&self, #[param(default = 0)] after: u64, #[param(default = 50)] limit: u32) -> Page {
        let mut found = self.users.range((Bound::Excluded(after), Bound::Unbounded)).map(|(_, user)| user);
        let users: Vec<User> = found.by_ref().take(limit.clamp(1, PAGE) as usize).cloned().collect();
        let next = found.next().and(users.last()).map(|user| user.id);
        Page { users, next }
    }

    /// Returns the number of users.
    #[public_method]
    pub fn count(&self) -> u64 {
        self.users.len() as u64
    }
}

impl Users {
    fn at_version(&mut self, id: u64, version: u64) -> Result<&mut User, UserError> {
        match self.users.get_mut(&id) {
            None => Err(UserError::NotFound { id }),
            Some(user) if user.version != version => Err(UserError::Changed { id, version: user.version }),
            Some(user) => Ok(user),
        }
    }
}
