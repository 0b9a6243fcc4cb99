//! Service links: variables that a cluster sets, and that happen to have the name of a setting.
//!
//! If a Service is called `callbox`, Kubernetes gives every container
//! `CALLBOX_PORT=tcp://10.0.0.1:5000`, as Docker did for its links. A Service called `callbox-…`
//! would do the same for any other setting that ends in `_PORT`.

/// Whether a variable with the name of a setting is a service link: its value is the URL of a
/// service.
pub(super) fn is_service_link(name: &str, value: &str) -> bool {
    let is_url = || ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    name.ends_with("_PORT") && is_url()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_service_in_a_variable_for_a_port_is_a_service_link() {
        for (name, value, expected) in [
            ("CALLBOX_PORT", "tcp://10.0.0.1:5000", true),
            ("CALLBOX_PORT", "udp://10.0.0.1:5000", true),
            ("CALLBOX_PORT", "tcp://[fd00::1]:5000", true),
            ("CALLBOX_PORT", "5000", false),
            ("CALLBOX_PORT", "eighty", false),
            ("CALLBOX_PORT", "http://10.0.0.1:5000", false),
            ("CALLBOX_HOST", "tcp://10.0.0.1:5000", false),
        ] {
            assert_eq!(is_service_link(name, value), expected, "{name}={value}");
        }
    }
}
