//! Errors of calls in handlers of actix-web, so that a handler can use `?`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::client_error::ClientError;
use crate::directory::Directory;
use crate::rpc_error::{RpcError, code};
use crate::typed_client::ServiceClient;

/// Returns a client for a handler of a custom route that takes it as a parameter.
///
/// # Errors
/// If the server has no service for the client. The log says what to do.
pub fn extract<C: ServiceClient>(request: &HttpRequest) -> Result<C, actix_web::Error> {
    let directory = request.app_data::<Arc<Directory>>();
    directory.and_then(|directory| directory.client()).ok_or_else(|| {
        let (path, name) = (request.match_pattern().unwrap_or_default(), C::NAME);
        log_error!(
            "the handler of {path} takes a client of the service `{name}`, which this server does not have: add it with \
             .service(…), or say where it is with --remote {name}=URL"
        );
        actix_web::error::ErrorInternalServerError("Internal error")
    })
}

/// Returns the HTTP status that fits the code of an error.
pub fn status_of(code: i32) -> StatusCode {
    match code {
        code::ACCESS_DENIED => StatusCode::UNAUTHORIZED,
        code::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        code::PARSE_ERROR | code::INVALID_REQUEST | code::INVALID_PARAMS => StatusCode::BAD_REQUEST,
        code::DEADLINE => StatusCode::GATEWAY_TIMEOUT,
        code::BUSY | code::UNAVAILABLE => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A handler of a custom route may return the error of a call with `?`. The status fits the error
/// code: 401 for -32001, 404 for -32601, 503 for -32000 and so on. The body is the error object.
impl ResponseError for RpcError {
    fn status_code(&self) -> StatusCode {
        status_of(self.code())
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(self)
    }
}

/// Lets a handler of a custom route return the error of a call with `?`.
///
/// The response is that of the error that the service returned: a status that fits its code, and
/// the error object. If the service returned none, the reason decides:
///
/// - No response came before the deadline: 504, with -32002.
/// - The service cannot be reached: 503, with -32003. The log has the cause.
/// - The connection broke, the response cannot be used, or the call could not be sent: 500, with
///   -32603 and an id under which the log has the cause.
///
/// ```no_run
/// use actix_web::HttpResponse;
/// use callbox::{ServiceRef, service};
///
/// #[derive(Default)]
/// struct Counter { count: u64 }
///
/// #[service(name = "counter")]
/// impl Counter {
///     /// Returns the count.
///     #[public_method]
///     fn count(&self) -> u64 {
///         self.count
///     }
/// }
///
/// async fn page(counter: ServiceRef<Counter>) -> actix_web::Result<HttpResponse> {
///     let counter: CounterClient = counter.client();
///     Ok(HttpResponse::Ok().body(format!("{} so far", counter.count().await?)))
/// }
/// ```
impl<E: Into<RpcError>> From<ClientError<E>> for actix_web::Error {
    fn from(error: ClientError<E>) -> Self {
        let error = match error {
            ClientError::Method(error) => error.into(),
            ClientError::Server(error) | ClientError::Rejected(error) | ClientError::Deadline(Some(error)) => error,
            ClientError::Deadline(None) => RpcError::new(code::DEADLINE, "Deadline exceeded"),
            ClientError::Unreachable(cause) => {
                log_throttled!(ERROR, %cause, "a service cannot be reached");
                RpcError::unavailable()
            }
            ClientError::Lost(cause) | ClientError::BadResponse(cause) => {
                RpcError::internal(&format_args!("a call to a service failed: {cause}"))
            }
            ClientError::Params(cause) | ClientError::Unsupported(cause) => {
                RpcError::internal(&format_args!("a call cannot be sent: {cause}"))
            }
        };
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_error::Cause;

    #[test]
    fn the_status_of_a_handler_fits_the_error_of_its_call() {
        let cause = || Cause::new("no route");
        for (error, status) in [
            (ClientError::Method(RpcError::new(7, "no")), 500),
            (ClientError::Server(RpcError::method_not_found()), 404),
            (ClientError::Rejected(RpcError::unavailable()), 503),
            (ClientError::Unreachable(cause()), 503),
            (ClientError::Deadline(Some(RpcError::new(code::DEADLINE, "late"))), 504),
            (ClientError::Deadline(None), 504),
            (ClientError::Lost(cause()), 500),
            (ClientError::bad_response("nonsense"), 500),
            (ClientError::Params(cause()), 500),
        ] {
            let text = format!("{error:?}");
            let error = actix_web::Error::from(error);
            assert_eq!(error.as_response_error().status_code(), status, "{text}");
        }
    }
}
