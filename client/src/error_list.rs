//! The errors that a method may return, listed for the OpenRPC document.

use std::fmt;

use schemars::{Schema, SchemaGenerator, json_schema};

/// An error type that lists its codes, messages and data for the OpenRPC document.
///
/// [`derive@crate::RpcError`] implements it. If you write the conversion to `RpcError` by hand,
/// implement it by hand as well:
///
/// ```
/// use callbox::{DescribeErrors, ErrorList, RpcError};
/// use schemars::SchemaGenerator;
///
/// struct NoSuchUser { id: u64 }
///
/// impl From<NoSuchUser> for RpcError {
///     fn from(error: NoSuchUser) -> Self {
///         Self::new(404, "No such user").with_data(&error.id)
///     }
/// }
///
/// impl DescribeErrors for NoSuchUser {
///     fn describe(list: &mut ErrorList<'_>) {
///         list.add_with_data(404, "No such user", SchemaGenerator::subschema_for::<u64>);
///     }
/// }
/// ```
pub trait DescribeErrors {
    /// Adds each error that a value of this type can be converted to.
    fn describe(list: &mut ErrorList<'_>);
}

/// The errors that a method may return. See [`DescribeErrors`] and
/// [`Message::errors`](crate::Message::errors).
pub struct ErrorList<'a> {
    generator: &'a mut SchemaGenerator,
    errors: Vec<DescribedError>,
}

/// All errors with one code.
#[derive(Debug)]
pub struct DescribedError {
    /// The code.
    pub code: i32,
    messages: Vec<&'static str>,
    /// The names of the errors, for generated clients.
    pub names: Vec<&'static str>,
    data: Vec<Schema>,
}

impl<'a> ErrorList<'a> {
    #[doc(hidden)]
    pub fn new(generator: &'a mut SchemaGenerator) -> Self {
        Self { generator, errors: Vec::new() }
    }

    /// Adds an error without data.
    ///
    /// OpenRPC has one entry for each code. Several errors with one code become one entry with all
    /// their messages.
    pub fn add(&mut self, code: i32, message: &'static str) {
        let error = self.of_code(code);
        if !error.messages.contains(&message) {
            error.messages.push(message);
        }
    }

    /// Adds an error whose data has the schema that `data` returns:
    /// `list.add_with_data(404, "No such user", SchemaGenerator::subschema_for::<u64>)`.
    pub fn add_with_data(
        &mut self,
        code: i32,
        message: &'static str,
        data: impl FnOnce(&mut SchemaGenerator) -> Schema,
    ) {
        let data = data(self.generator);
        self.add(code, message);
        let error = self.of_code(code);
        if !error.data.contains(&data) {
            error.data.push(data);
        }
    }

    /// Names the error with this code, as its variant is called. Generated clients in other
    /// languages name their type of the error after it.
    pub fn add_name(&mut self, code: i32, name: &'static str) {
        let error = self.of_code(code);
        if !error.names.contains(&name) {
            error.names.push(name);
        }
    }

    /// Returns the entry of a code.
    fn of_code(&mut self, code: i32) -> &mut DescribedError {
        let found = self.errors.iter().position(|error| error.code == code);
        let at = found.unwrap_or_else(|| {
            self.errors.push(DescribedError { code, messages: Vec::new(), names: Vec::new(), data: Vec::new() });
            self.errors.len() - 1
        });
        &mut self.errors[at]
    }

    #[doc(hidden)]
    pub fn into_errors(self) -> Vec<DescribedError> {
        self.errors
    }
}

impl fmt::Debug for ErrorList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorList").field("errors", &self.errors).finish_non_exhaustive()
    }
}

impl DescribedError {
    /// Returns all messages of errors with this code.
    pub fn message(&self) -> String {
        self.messages.join(" / ")
    }

    /// Returns the schema of the data; nothing if no error with this code has data.
    pub fn into_data(mut self) -> Option<Schema> {
        if self.data.len() > 1 {
            return Some(json_schema!({ "anyOf": self.data }));
        }
        self.data.pop()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_of_one_code_become_one_entry() {
        let mut generator = SchemaGenerator::default();
        let mut list = ErrorList::new(&mut generator);
        list.add(404, "No such user");
        list.add_with_data(409, "Taken", SchemaGenerator::subschema_for::<bool>);
        list.add_with_data(404, "No such group", SchemaGenerator::subschema_for::<bool>);
        list.add_with_data(404, "No such user", SchemaGenerator::subschema_for::<String>);
        list.add_with_data(404, "No such user", SchemaGenerator::subschema_for::<bool>);
        for name in ["NoSuchUser", "NoSuchGroup", "NoSuchUser"] {
            list.add_name(404, name);
        }
        let entries = list.into_errors().into_iter().map(|error| {
            let (code, message, names) = (error.code, error.message(), error.names.join(" "));
            (code, message, names, error.into_data().map(Schema::to_value))
        });
        let either = json!({ "anyOf": [{ "type": "boolean" }, { "type": "string" }] });
        assert_eq!(
            entries.collect::<Vec<_>>(),
            [
                (404, "No such user / No such group".to_owned(), "NoSuchUser NoSuchGroup".to_owned(), Some(either)),
                (409, "Taken".to_owned(), String::new(), Some(json!({ "type": "boolean" }))),
            ]
        );
    }
}
