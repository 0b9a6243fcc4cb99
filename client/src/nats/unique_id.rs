//! Names that nobody else has.

use std::hash::{BuildHasher, RandomState};

/// Returns a text of 32 hexadecimal digits that nobody can guess: for an inbox, or for the id of an
/// instance.
pub fn unique_id() -> String {
    // Each `RandomState` has new random keys. Hashing mixes them, so there is no generator.
    let part = || RandomState::new().hash_one(0_u8);
    format!("{:016x}{:016x}", part(), part())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_another() {
        let (one, other) = (unique_id(), unique_id());
        assert!(one != other && one[..16] != one[16..] && one.len() == 32, "{one} {other}");
    }
}
