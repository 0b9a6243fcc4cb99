//! Services that wait for each other while they start.
//!
//! A call to a service that is starting waits until it is up. If that one waits for the first in
//! turn, neither would ever start. So the waits between services that start are noted here, and a
//! call that would close a circle is an error of the start.

use std::fmt;

use crate::service::ServiceId;
use crate::sync::Mutex;

static WAITS: Mutex<Waits> = Mutex::new(Waits { edges: Vec::new(), starting: Vec::new() });

struct Waits {
    edges: Vec<Edge>,
    starting: Vec<Starting>,
}

/// A service that makes its state, and the circle that was found meanwhile.
struct Starting {
    service: ServiceId,
    circle: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Edge {
    from: ServiceId,
    name: &'static str,
    to: ServiceId,
}

/// Notes that a service waits, until it is dropped.
pub(crate) struct StartWait(Edge);

impl StartWait {
    /// Notes that the service `from`, called `name`, waits for `to`, which is starting.
    ///
    /// # Errors
    /// If `to` waits for `from`: the circle.
    pub(crate) fn begin(from: ServiceId, name: &'static str, to: ServiceId) -> Result<Self, String> {
        let mut waits = WAITS.lock();
        if let Some(path) = waits.path(to, from) {
            let through: String = path.iter().map(|service| format!(" → {service}")).collect();
            let text = circle_text(&format_args!("{name}{through} → {name}"));
            // The start is at fault that made the call, or for which another service made it.
            let at = [from, to].into_iter().find_map(|service| waits.starting(service));
            if let Some(starting) = at {
                waits.starting[starting].circle = Some(text.clone());
            }
            return Err(text);
        }
        let edge = Edge { from, name, to };
        waits.edges.push(edge);
        Ok(Self(edge))
    }
}

/// Notes that a service calls itself through others while it makes its state. Then the others were
/// up already, so none of them waited for its start.
pub(crate) fn note_circle(service: ServiceId, way: &dyn fmt::Display) {
    let mut waits = WAITS.lock();
    if let Some(at) = waits.starting(service) {
        waits.starting[at].circle = Some(circle_text(way));
    }
}

fn circle_text(way: &dyn fmt::Display) -> String {
    format!("its start waits for a service that waits for it: {way}")
}

impl Drop for StartWait {
    fn drop(&mut self) {
        let edges = &mut WAITS.lock().edges;
        if let Some(at) = edges.iter().position(|edge| *edge == self.0) {
            edges.swap_remove(at);
        }
    }
}

impl Waits {
    fn starting(&self, service: ServiceId) -> Option<usize> {
        self.starting.iter().position(|starting| starting.service == service)
    }

    /// Returns the names of the services on a way from one service to another.
    fn path(&self, from: ServiceId, to: ServiceId) -> Option<Vec<&'static str>> {
        let mut open = vec![(from, Vec::new())];
        let mut seen = vec![from];
        while let Some((at, path)) = open.pop() {
            if at == to {
                return Some(path);
            }
            for edge in self.edges.iter().filter(|edge| edge.from == at) {
                if !seen.contains(&edge.to) {
                    seen.push(edge.to);
                    open.push((edge.to, [&path[..], &[edge.name]].concat()));
                }
            }
        }
        None
    }
}

/// Notes that a service makes its state, until it is dropped.
pub(crate) struct StateInTheMaking(ServiceId);

impl StateInTheMaking {
    pub(crate) fn begin(service: ServiceId) -> Self {
        WAITS.lock().starting.push(Starting { service, circle: None });
        Self(service)
    }

    /// Returns the circle that was found meanwhile.
    pub(crate) fn end(self) -> Option<String> {
        let mut waits = WAITS.lock();
        let at = waits.starting(self.0)?;
        waits.starting[at].circle.take()
    }
}

impl Drop for StateInTheMaking {
    fn drop(&mut self) {
        WAITS.lock().starting.retain(|starting| starting.service != self.0);
    }
}
