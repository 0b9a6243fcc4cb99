//! Who may see the pages of the staff. callbox checks the tokens of calls; routes of one's own
//! check them themselves.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::{ErrorForbidden, ErrorServiceUnavailable};
use actix_web::{Error, FromRequest, HttpRequest, web};
use actix_web_httpauth::extractors::AuthenticationError;
use actix_web_httpauth::extractors::basic::BasicAuth;
use actix_web_httpauth::headers::www_authenticate::basic::Basic;
use callbox::Caller;
use callbox::auth::{Authenticate, Tokens};

/// Somebody with a valid token. A handler takes it as a parameter, and passes the caller on to the
/// services.
///
/// A browser asks for a name and a password: the token is the password, and the name does not
/// matter. A script sends it as `curl --user :TOKEN`.
#[derive(Debug)]
pub(crate) struct Staff(Caller);

impl Staff {
    /// Returns the caller.
    ///
    /// # Errors
    /// Returns 403 if the token does not have this scope. Within the process no access rule of a
    /// method applies, so the pages ask here.
    pub(crate) fn with_scope(self, scope: &'static str) -> Result<Caller, Error> {
        if self.0.has_scope(scope) {
            Ok(self.0)
        } else {
            Err(ErrorForbidden(format!("the token needs the scope {scope}")))
        }
    }
}

impl FromRequest for Staff {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let tokens = request.app_data::<web::Data<Tokens>>().expect("`app` adds the tokens").clone();
        let sent = BasicAuth::from_request(request, payload);
        Box::pin(async move {
            let token = sent.await?;
            match tokens.authenticate(token.password().unwrap_or_default()).await {
                Ok(Some(caller)) => Ok(Self(caller)),
                Ok(None) => Err(AuthenticationError::new(Basic::with_realm("shop")).into()),
                Err(cause) => {
                    tracing::error!(cause, "a token cannot be checked");
                    Err(ErrorServiceUnavailable("the token cannot be checked now"))
                }
            }
        })
    }
}
