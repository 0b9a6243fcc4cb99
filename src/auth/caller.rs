//! Who is calling.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// Who is calling, as the authenticator decided. Cheap to clone.
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
    /// Whether this caller may call the same methods as the other one.
    pub(crate) fn has_same_access(&self, other: &Self) -> bool {
        let scopes = |caller: &Self| caller.identity.as_ref().map(|identity| identity.scopes.clone());
        scopes(self) == scopes(other)
    }

    /// Returns the name, shared.
    pub(crate) fn shared_name(&self) -> Option<Arc<str>> {
        self.identity.as_ref()?.name.clone()
    }

    /// Makes a caller without a valid token. The default.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Makes a caller with a valid token, of whom nothing else is known.
    pub fn token_holder() -> Self {
        Self { identity: Some(Arc::default()) }
    }

    /// Makes a caller with a valid token and a name.
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self { identity: Some(Arc::new(Identity { name: Some(name.into()), ..Identity::default() })) }
    }

    /// Adds a scope. An anonymous caller becomes a token holder.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.identity_mut().scopes.insert(scope.into());
        self
    }

    /// Sets the time from which on the token is rejected. An anonymous caller becomes a token
    /// holder.
    ///
    /// Calls that were admitted before run to their end.
    #[must_use]
    pub fn with_expiry(mut self, expires: SystemTime) -> Self {
        self.identity_mut().expires = Some(expires);
        self
    }

    /// Adds a value of your own, one per type, for methods and for [`FromCall`](crate::FromCall).
    /// An anonymous caller becomes a token holder.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.identity_mut().extra.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// Whether the caller has a valid token.
    pub fn is_authenticated(&self) -> bool {
        self.identity.is_some()
    }

    /// Returns the name that the authenticator gave the caller, if any.
    pub fn name(&self) -> Option<&str> {
        self.identity.as_deref()?.name.as_deref()
    }

    /// Whether the authenticator gave the caller this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.identity.as_deref().is_some_and(|identity| identity.scopes.contains(scope))
    }

    /// Returns the scopes, in alphabetical order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.identity.iter().flat_map(|identity| identity.scopes.iter().map(AsRef::as_ref))
    }

    /// Returns the time from which on the caller's token is rejected, if it expires.
    pub fn expires(&self) -> Option<SystemTime> {
        self.identity.as_deref()?.expires
    }

    /// Whether the caller has a valid token that has not expired at `now`.
    pub(super) fn is_authenticated_at(&self, now: SystemTime) -> bool {
        self.is_authenticated() && self.expires().is_none_or(|expires| now < expires)
    }

    /// Returns the value of type `T` that the authenticator added by [`with`](Self::with).
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
