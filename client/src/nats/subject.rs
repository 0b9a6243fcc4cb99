//! The subjects of services and methods.
//!
//! A method is at `<prefix>.<service>.<method>`, one token each. What NATS gives a meaning in a
//! subject, and everything else but letters, digits, `-` and `_`, is written as `=` and two
//! hexadecimal digits for each byte.

/// The first token of all subjects, unless a setting says otherwise.
pub const DEFAULT_PREFIX: &str = "callbox";

/// Appends a name as one token.
fn push_token(subject: &mut String, name: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            subject.push(byte.into());
        } else {
            subject.push('=');
            subject.push(DIGITS[usize::from(byte >> 4)].into());
            subject.push(DIGITS[usize::from(byte & 15)].into());
        }
    }
}

/// Returns the subject of a method of a service. The name of the method has no namespace.
pub fn method_subject(prefix: &str, service: &str, method: &str) -> String {
    let mut subject = String::with_capacity(prefix.len() + service.len() + method.len() + 2);
    subject.push_str(prefix);
    for name in [service, method] {
        subject.push('.');
        push_token(&mut subject, name);
    }
    subject
}

/// Returns the subject of messages about the instances of a service: `cancel` or `load`, for
/// example. No service can have such a name.
pub fn service_subject(prefix: &str, about: &str, service: &str) -> String {
    let mut subject = format!("{prefix}._{about}.");
    push_token(&mut subject, service);
    subject
}

/// Returns the name of a service as others on NATS see it, whose names have no dots.
pub fn micro_name(service: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    service.chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}

/// Whether a text may be the prefix of subjects: tokens of letters, digits, `-` and `_`, with dots
/// between.
pub fn is_prefix(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.split('.').all(|token| !token.is_empty() && token.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_token_whatever_it_contains() {
        for (service, method, expected) in [
            ("orders", "get", "callbox.orders.get"),
            ("name.your.service", "say_hello", "callbox.name=2Eyour=2Eservice.say_hello"),
            ("a-b_C9", "rpc.discover", "callbox.a-b_C9.rpc=2Ediscover"),
            ("a b", "*>=", "callbox.a=20b.=2A=3E=3D"),
            ("ä", "\n", "callbox.=C3=A4.=0A"),
        ] {
            assert_eq!(method_subject("callbox", service, method), expected);
        }
        assert_eq!(service_subject("eu.callbox", "load", "a.b"), "eu.callbox._load.a=2Eb");
    }

    #[test]
    fn others_see_a_name_without_dots() {
        for (name, expected) in [("orders", "orders"), ("name.your.service", "name-your-service"), ("a b", "a-b")] {
            assert_eq!(micro_name(name), expected);
        }
    }

    #[test]
    fn a_prefix_is_one_or_several_plain_tokens() {
        for (text, expected) in
            [("callbox", true), ("eu.callbox-2", true), ("", false), ("a..b", false), ("a.*", false), ("a b", false)]
        {
            assert_eq!(is_prefix(text), expected, "{text}");
        }
    }
}
