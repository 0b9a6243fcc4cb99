//! An authenticator that knows two callers by name, one of them with a scope, and can be away.

use callbox::auth::Authenticate;
use callbox::{BoxError, Caller};

pub(crate) struct Names;

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
