//! actix-web's traits for types of other modules: handlers of custom routes can take a `ServiceRef`
//! as a parameter.

use std::any::type_name;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::engine::ServiceRef;
use crate::service::Service;

impl<S: Service> FromRequest for ServiceRef<S> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.app_data::<Self>().cloned().ok_or_else(|| {
            log_error!(
                "the handler of {} takes ServiceRef<{}>, but the server has no such service: add it with .service(…)",
                request.match_pattern().unwrap_or_default(),
                type_name::<S>()
            );
            actix_web::error::ErrorInternalServerError("Internal error")
        }))
    }
}
