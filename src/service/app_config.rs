//! The settings of the program itself, in the program's own type.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The settings of the program itself, if it has any.
#[derive(Clone, Default)]
pub(crate) struct AppConfig(Option<Arc<dyn Any + Send + Sync>>);

impl AppConfig {
    pub(crate) fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Self(Some(Arc::new(value)))
    }

    /// Returns the settings, if they have this type.
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(self.0.as_ref()?).downcast().ok()
    }
}

/// Without the value, which may have secrets.
impl fmt::Debug for AppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppConfig").field("is_set", &self.0.is_some()).finish()
    }
}
