//! actix-web's traits for types of other modules: handlers of custom routes can take a `ServiceRef`
//! as a parameter and return an `RpcError`.

use std::any::type_name;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};

use crate::engine::ServiceRef;
use crate::jsonrpc::{Dialect, RpcError};
use crate::service::Service;

use super::status::ErrorStatus;

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

/// A handler of a custom route may return the error of a call with `?`. The status fits the error
/// code, as with [`ErrorStatus::Mapped`](crate::ErrorStatus::Mapped), and the body is the error
/// object.
impl ResponseError for RpcError {
    fn status_code(&self) -> StatusCode {
        ErrorStatus::Mapped.status(Dialect::Jsonrpc, Some(self.code()))
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(self)
    }
}
