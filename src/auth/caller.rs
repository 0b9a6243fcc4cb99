//! Who is calling.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// Who is calling, as the auth actor said. Cheap to clone.
///
/// ```
/// use callbox::Caller;
///
/// struct Tenant(u32);
///
/// let caller = Caller::named("billing").with_scope("invoices:write").with(Tenant(7));
/// assert_eq!(caller.name(), Some("billing"));
/// assert!(caller.has_scope("invoices:write"));
/// assert_eq!(caller.get::<Tenant>().unwrap().0, 7);
/// assert!(!Caller::anonymous().is_authenticated());
/// ```
#[derive(Clone, Default)]
pub struct Caller {
    identity: Option<Arc<Identity>>,
}

#[derive(Clone, Default)]
struct Identity {
    name: Option<Arc<str>>,
    scopes: BTreeSet<Arc<str>>,
    expires: Option<SystemTime>,
    extra: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Caller {
    /// Nobody in particular: no token, or one that was not accepted. The default.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Somebody whose token was accepted and of whom no more is known.
    pub fn token_holder() -> Self {
        Self { identity: Some(Arc::default()) }
    }

    /// Somebody with a name.
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self { identity: Some(Arc::new(Identity { name: Some(name.into()), ..Identity::default() })) }
    }

    /// The same caller with one more scope. An anonymous caller becomes a token holder.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.identity_mut().scopes.insert(scope.into());
        self
    }

    /// The same caller until a time, from which on its token is refused. An anonymous caller becomes a token holder.
    ///
    /// Calls that were let in before run to their end.
    #[must_use]
    pub fn with_expiry(mut self, expires: SystemTime) -> Self {
        self.identity_mut().expires = Some(expires);
        self
    }

    /// The same caller with a value of your own, one per type, for methods and for [`FromCall`](crate::FromCall).
    /// An anonymous caller becomes a token holder.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.identity_mut().extra.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// Whether a token was accepted.
    pub fn is_authenticated(&self) -> bool {
        self.identity.is_some()
    }

    /// The name that the authenticator gave, if it gave one.
    pub fn name(&self) -> Option<&str> {
        self.identity.as_deref()?.name.as_deref()
    }

    /// Whether the authenticator gave this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.identity.as_deref().is_some_and(|identity| identity.scopes.contains(scope))
    }

    /// The scopes, in alphabetical order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.identity.iter().flat_map(|identity| identity.scopes.iter().map(AsRef::as_ref))
    }

    /// When the caller's token ends, if the authenticator said so.
    pub fn expires(&self) -> Option<SystemTime> {
        self.identity.as_deref()?.expires
    }

    /// Whether a token was accepted, and has not ended by `now`.
    pub(super) fn is_authenticated_at(&self, now: SystemTime) -> bool {
        self.is_authenticated() && self.expires().is_none_or(|expires| now < expires)
    }

    /// The value of type `T` that the authenticator put there with [`with`](Self::with).
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.identity.as_deref()?.extra.get(&TypeId::of::<T>())?.downcast_ref()
    }

    fn identity_mut(&mut self) -> &mut Identity {
        Arc::make_mut(self.identity.get_or_insert_default())
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("authenticated", &self.is_authenticated())
            .field("name", &self.name())
            .field("scopes", &self.scopes().collect::<Vec<_>>())
            .field("expires", &self.expires())
            .finish_non_exhaustive()
    }
}
