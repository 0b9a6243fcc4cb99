//! The rules for the trait of an API.

use crate::errors::Errors;
use crate::method::Receiver;
use crate::model::Service;

use super::{names, output, parameter, parameter_order, signature, subscription};

/// The rules for the trait of an API.
pub(crate) fn api(service: &Service, errors: &mut Errors) {
    if service.methods.is_empty() {
        errors.at(service.ty(), "the API has no method: add one, marked `#[public_method]` or `#[private_api_method]`");
    }
    names(service, errors);
    for method in &service.methods {
        if method.receiver != Receiver::Shared {
            errors.at(
                &method.sig.ident,
                "a method of an API takes `&self`; whether it changes the state is the choice of the service",
            );
        }
        signature(method, errors);
        for param in &method.params {
            if param.injected().is_some() {
                errors.at(
                    &param.ty,
                    "an API says what callers send: a parameter that is made from the call stands in the service",
                );
            } else {
                parameter(param, errors);
            }
        }
        parameter_order(method, errors);
        output(service, method, errors);
        subscription::subscription(service, method, errors);
        for ty in service.message_types(method) {
            if service.names_parameter(ty).is_some() {
                errors.at(ty, "an API says what callers send, so it does not know `Self`");
            }
        }
    }
}
