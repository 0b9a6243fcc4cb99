//! Who may see the pages of the staff. callbox checks the tokens and the origins of calls; routes
//! of one's own check them themselves.
//!
//! Nothing here limits wrong tokens: `--token-failures` holds for the endpoints only. The tokens of
//! this shop are 256 random bits, so that nobody guesses one. A route that takes passwords, or
//! whose check is expensive, needs a limit of its own, here or in the proxy in front.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::{ErrorForbidden, ErrorServiceUnavailable};
use actix_web::http::header::{HOST, HeaderValue, ORIGIN};
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
///
/// A request that may change something is refused if a page of another site has sent it: once a
/// browser knows the password, it sends it with every request to this server, whichever page causes
/// the request (CSRF).
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
        let is_refused = !request.method().is_safe() && is_from_another_site(request);
        Box::pin(async move {
            if is_refused {
                return Err(ErrorForbidden("a page of another site may not change anything here"));
            }
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

/// Whether a page of another site has sent the request, as its browser says.
///
/// A browser sends `Origin` with every request that is not a GET or HEAD, and a page cannot change
/// it. The server's own origin has the host and the port of the header `Host`, which a proxy in
/// front has to pass on. A script sends neither `Origin` nor `Sec-Fetch-Site`, and no password that
/// it was not given.
fn is_from_another_site(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let is_own = |origin: &HeaderValue| {
        let origin = origin.as_bytes();
        let authority = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
        authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    };
    let is_cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    is_cross_site || !headers.get_all(ORIGIN).all(is_own)
}
