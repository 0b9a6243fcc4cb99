//! Services that wait for each other while they start.
//!
//! A call to a service that is starting waits until it is up. If that one waits for the first in
//! turn, neither would ever start. So the waits between services that start are noted here, and a
//! call that would close a circle is an error of the start.

use std::collections::HashMap;

use crate::service::ServiceId;
use crate::sync::Mutex;

static WAITS: Mutex<Waits> = Mutex::new(Waits { edges: Vec::new(), faults: None });

struct Waits {
    edges: Vec<Edge>,
    /// The circles that were found, by the service whose call would have closed one.
    faults: Option<HashMap<ServiceId, String>>,
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
            let text = format!("its start waits for a service that waits for it: {name}{through} → {name}");
            waits.faults.get_or_insert_default().insert(from, text.clone());
            return Err(text);
        }
        let edge = Edge { from, name, to };
        waits.edges.push(edge);
        Ok(Self(edge))
    }
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

/// Returns the circle that a call of this service would have closed while it started.
pub(crate) fn take_fault(service: ServiceId) -> Option<String> {
    WAITS.lock().faults.as_mut()?.remove(&service)
}
