//! What the log says of the life of a service.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use crate::log::{discard, panic_text};

pub(in crate::engine) fn up(service: &str) {
    log_info!(service, "the service is up");
}

pub(in crate::engine) fn restarted(service: &str) {
    log_warn!(service, "the service was restarted with a new state");
}

pub(in crate::engine) fn down(service: &str, reason: &str, retry_in: Duration) {
    log_error!(service, reason, ?retry_in, "the service is down");
}

pub(super) fn thread_lost(service: &str) {
    log_error!(service, "the service's thread was lost; starting a new one");
}

pub(super) fn no_thread(service: &str, reason: &str) {
    log_error!(service, reason, "cannot start the thread of the service");
}

pub(in crate::engine) fn tasks_do_not_end(service: &str, tasks: &dyn fmt::Debug) {
    log_error!(service, ?tasks, "tasks of the service did not end in time");
}

pub(super) fn cut_off(service: &str, limit: Duration) {
    log_warn!(service, ?limit, "the shutdown timeout is over; cutting off what still runs");
}

pub(super) fn left_running(service: &str, running: &[&str]) {
    log_error!(service, ?running, "the service did not end in time; its threads are left running");
}

pub(super) fn closes_slowly(service: &str, limit: Duration) {
    log_error!(service, ?limit, "the service did not close its state in time");
}

/// Logs that this part of the service or of callbox panicked, and drops the panic.
pub(in crate::engine) fn panicked(service: &str, part: &str, panic: Box<dyn Any + Send>) {
    log_error!(service, panic = panic_text(&*panic), "{part} panicked");
    discard(panic);
}
