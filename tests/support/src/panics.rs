//! Panics that tests cause.

use std::sync::Once;

/// Stops the panic hook from printing panics with the message `on purpose`, in the whole process.
///
/// Printing takes longer than a short method, so the engine would take the method for a long one.
pub fn keep_quiet_about_panics_on_purpose() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload().downcast_ref() != Some(&"on purpose") {
                usual(panic);
            }
        }));
    });
}
