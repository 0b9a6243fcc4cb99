//! The rules for subscriptions.

use syn::ReturnType;

use crate::errors::Errors;
use crate::method::Method;
use crate::model::Service;

use super::is_reserved;

pub(super) fn subscription(service: &Service, method: &Method, errors: &mut Errors) {
    let attr = &method.attr;
    // In the block of a service, the API says what is a subscription.
    let of_api = service.attr.api.is_some();
    match &method.items {
        None if attr.subscription => {
            let rule = "a subscription returns `Subscription<T>`, or `impl Stream<Item = T> + Send + 'static`, or a \
                        `Result` of one";
            match method.sig.output {
                // There is nothing in the code to point at.
                ReturnType::Default => errors.at(&method.sig.ident, rule),
                ReturnType::Type(..) => errors.at(method.output.ok(), rule),
            }
        }
        Some(_) if !attr.subscription && !of_api => {
            let marker = if method.private { "private_api_method" } else { "public_method" };
            errors.at(
                method.output.ok(),
                format!(
                    "a stream of items is the result of a subscription: mark the method `#[{marker}(subscription)]`"
                ),
            );
        }
        _ => {}
    }
    for name in attr.event.iter().chain(&attr.unsubscribe) {
        if !attr.subscription {
            errors.at(&name.key, format!("`{}` is only for a subscription: add the key `subscription`", name.key));
        } else if is_reserved(&name.value.value()) {
            errors.at(&name.value, "names that begin with `rpc.` or `$/` are reserved: choose another name");
        }
    }
}
