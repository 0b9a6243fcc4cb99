//! An authenticator that knows two callers by name, and that can fail.

use callbox::auth::Authenticate;
use callbox::{BoxError, Caller};

/// Takes the tokens `ann`, and `root`, who has the scope `admin`. Fails for the token `away`, as an
/// authenticator does whose database cannot be reached.
#[derive(Clone, Copy, Debug)]
pub struct Names;

impl Authenticate for Names {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        match token {
            "ann" => Ok(Some(Caller::named("ann"))),
            "root" => Ok(Some(Caller::named("root").with_scope("admin"))),
            "away" => Err("the database is away".into()),
            _ => Ok(None),
        }
    }
}
