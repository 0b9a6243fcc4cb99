//! The name of a method on NATS: that of the service, a dot, and that of the method.

use crate::exit::{Exit, Failure};

/// The first part of the names of the methods that callbox itself adds to each service.
const BUILTIN: &str = "rpc";

/// A method of a service, by the names of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MethodName {
    pub(crate) service: String,
    /// The name without a namespace.
    pub(crate) method: String,
}

impl MethodName {
    /// Splits a name at its last dot, since the name of a service may have dots. Of
    /// `orders.rpc.discover` the method is `rpc.discover`.
    ///
    /// # Errors
    ///
    /// If the name of the service or of the method is missing.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let (service, method) = text.rsplit_once('.').unwrap_or(("", text));
        let (service, method) = match service.strip_suffix(BUILTIN) {
            Some("") => ("", text),
            Some(service) if service.ends_with('.') => (&service[..service.len() - 1], &text[service.len()..]),
            _ => (service, method),
        };
        if service.is_empty() || method.is_empty() {
            let line = format!(
                "`{text}` is not the name of a method on NATS: write <service>.<method>, such as orders.get; \
                 `callbox services` lists the services"
            );
            return Err(Failure::new(Exit::Usage, line));
        }
        Ok(Self { service: service.to_owned(), method: method.to_owned() })
    }

    /// Whether callbox itself adds the method to each service.
    pub(crate) fn is_builtin(&self) -> bool {
        self.method.split_once('.').is_some_and(|(first, _)| first == BUILTIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_dot_separates_unless_the_method_is_one_of_callbox() {
        for (text, service, method, is_builtin) in [
            ("orders.get", "orders", "get", false),
            ("name.your.service.say_hello", "name.your.service", "say_hello", false),
            ("orders.rpc.discover", "orders", "rpc.discover", true),
            ("name.your.service.rpc.mailboxes", "name.your.service", "rpc.mailboxes", true),
            ("my_rpc.get", "my_rpc", "get", false),
            ("a.my_rpc.get", "a.my_rpc", "get", false),
        ] {
            let name = MethodName::parse(text).unwrap();
            assert_eq!((&*name.service, &*name.method, name.is_builtin()), (service, method, is_builtin), "{text}");
        }
        for text in ["", "get", ".get", "orders.", "rpc.discover", ".rpc.discover"] {
            assert!(MethodName::parse(text).unwrap_err().message.contains("<service>.<method>"), "{text}");
        }
    }
}
