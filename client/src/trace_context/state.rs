//! The header `tracestate`: a list of `key=value`, whose values only their owners understand.

/// Maximum length of a list, in bytes: what every system has to pass on at least. A longer one is
/// left out as a whole, since cutting it could leave a half that means something else.
const MAX_LENGTH: usize = 512;

/// Maximum number of members.
const MAX_MEMBERS: usize = 32;

/// Returns the list, if it can be passed on.
pub(super) fn usable(list: &str) -> Option<&str> {
    let list = list.trim_matches([' ', '\t']);
    if list.is_empty() || list.len() > MAX_LENGTH {
        return None;
    }
    let mut keys: Vec<&str> = Vec::new();
    for member in list.split(',').map(|member| member.trim_matches([' ', '\t'])) {
        // Empty members are allowed, since lists are joined.
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() == MAX_MEMBERS {
            return None;
        }
        keys.push(key);
    }
    (!keys.is_empty()).then_some(list)
}

/// Whether it is a key: one name, or `tenant@system`.
fn is_key(key: &str) -> bool {
    let is_name = |name: &str, max: usize, may_begin_with_digit: bool| {
        let [first, rest @ ..] = name.as_bytes() else { return false };
        let is_first = first.is_ascii_lowercase() || may_begin_with_digit && first.is_ascii_digit();
        let is_next =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/');
        is_first && rest.len() < max && rest.iter().all(is_next)
    };
    match key.split_once('@') {
        Some((tenant, system)) => is_name(tenant, 241, true) && is_name(system, 14, false),
        // Level 2 lets a name begin with a digit as well.
        None => is_name(key, 256, true),
    }
}

fn is_value(value: &str) -> bool {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_members_with_plain_keys_and_values() {
        let long = format!("a={}", "v".repeat(256));
        let many = (0..32).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join(",");
        for list in ["a=1", "a=1,b=2", "a=1 , b=x y!", "0a_-*/=1", "1t@sys=1", "a=1,,b=2", &long, &many] {
            assert_eq!(usable(list), Some(list));
        }
        assert_eq!(usable(" a=1\t"), Some("a=1"));
    }

    #[test]
    fn anything_else_is_left_out_as_a_whole() {
        let long_value = format!("a={}", "v".repeat(257));
        let long_key = format!("{}=1", "k".repeat(257));
        let long = format!("a={},b={}", "v".repeat(256), "v".repeat(252));
        assert_eq!(long.len(), 513);
        let many = (0..33).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join(",");
        for list in [
            "",
            " ",
            ",",
            "a",
            "a=",
            "=1",
            "A=1",
            "a =1",
            "a=1=2",
            "a=ü",
            "a=\n",
            "_a=1",
            "a@1s=1",
            "a@b@c=1",
            "@s=1",
            "a@=1",
            "a=1,a=2",
            "a@abcdefghijklmno=1",
            &long_value,
            &long_key,
            &long,
            &many,
        ] {
            assert_eq!(usable(list), None, "{list:?}");
        }
        assert!(usable(&long[..512]).is_some(), "the bound itself");
    }
}
