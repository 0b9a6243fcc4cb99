//! The SHA-256 of a token, which is stored in its place.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a token.
///
/// `Eq` and `Hash` are for lookups in a map. Their time depends on the digest, which is safe: an
/// attacker can choose a token, but not its hash. To compare a token with the expected one, use
/// [`matches`](Self::matches).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// A digest of which no token is known.
    pub(crate) const DUMMY: Self = Self([0; 32]);

    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Whether both are equal. The time does not depend on where they differ.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(crate) fn to_hex(self) -> String {
        to_hex(&self.0)
    }

    /// Parses 64 hexadecimal digits.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Some(Self(bytes))
    }
}

/// The output hides the digest: a token that is easy to guess is easy to find by its hash.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_sha256_and_survives_hexadecimal() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let digest = Digest::of("abc");
        assert_eq!(digest.to_hex(), hex);
        assert!(Digest::from_hex(hex).is_some_and(|read| read.matches(&digest)));
        assert!(Digest::from_hex(&hex.to_uppercase()).is_some_and(|read| read.matches(&digest)));
        assert!(!digest.matches(&Digest::of("abd")) && !digest.matches(&Digest::DUMMY));
        for wrong in ["", &hex[1..], &format!("{hex}0"), &hex.replace('b', "g"), &hex.replace("ba", "é")] {
            assert_eq!(Digest::from_hex(wrong), None, "{wrong}");
        }
    }
}
