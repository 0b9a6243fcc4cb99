//! The keys for checking JSON Web Tokens: a JWK set, in which each key has one algorithm.

use std::collections::HashMap;
use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::key_strength;

/// The keys for checking signatures, by their ids.
#[derive(Default)]
pub(super) struct KeySet {
    keys: HashMap<String, VerificationKey>,
    /// Whether a reader of the set could make tokens.
    has_secrets: bool,
}

/// The members of a JWK that only the issuer may know: a secret (`k`) or a private key (`d`).
#[derive(Deserialize)]
struct SecretMembers {
    k: Option<IgnoredAny>,
    d: Option<IgnoredAny>,
}

/// A key, and the only algorithm that it is used with. The algorithm that a token names decides
/// nothing.
pub(super) struct VerificationKey {
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

impl KeySet {
    /// Parses a JWK set. Keys that are not for signatures, or of an unknown kind, are ignored.
    ///
    /// # Errors
    /// If a key has no `kid` or that of another key, or is too weak, and if no key is left. The
    /// error names the key.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_str(text).map_err(|error| {
            // serde_json's own text may quote a value, which may be a secret.
            format!(
                "line {} is not valid in a JWK set: give {{\"keys\": […]}}, as the issuer publishes it",
                error.line()
            )
        })?;
        let mut keys = HashMap::new();
        for key in set.keys.iter().filter(|key| is_for_signatures(key)) {
            let Some(algorithm) = algorithm(key) else { continue };
            let id = key.common.key_id.as_deref().filter(|id| !id.is_empty());
            let id = id.ok_or("a key has no `kid`: give it the one that the tokens name")?;
            let decoding = key_strength::decode(key)
                .map_err(|_| format!("the key {id:?} is not valid: copy it from the issuer again"))?;
            if decoding.family() != algorithm.family() {
                return Err(format!("the key {id:?} is of another kind than its `alg`: correct one of them"));
            }
            key_strength::check(key, &decoding, algorithm)
                .map_err(|remedy| format!("the key {id:?} is not fit for its `alg`: {remedy}"))?;
            if keys.insert(id.to_owned(), VerificationKey { algorithm, decoding }).is_some() {
                return Err(format!("two keys have the `kid` {id:?}: keep one of them"));
            }
        }
        if keys.is_empty() {
            return Err("it has no key for signatures of a known kind: add one, or no token is valid".to_owned());
        }
        let has_secrets = set_has_secrets(text);
        Ok(Self { keys, has_secrets })
    }

    /// Whether a reader of the set could make tokens, as it has a secret or a private key.
    pub(super) fn has_secrets(&self) -> bool {
        self.has_secrets
    }

    pub(super) fn get(&self, id: &str) -> Option<&VerificationKey> {
        self.keys.get(id)
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

/// Whether any key of the set has a secret member. Keys that are ignored here count as well, as
/// they may be used elsewhere.
fn set_has_secrets(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<SecretMembers>,
    }
    let set = serde_json::from_str(text).unwrap_or(Set { keys: Vec::new() });
    set.keys.iter().any(|key| key.k.is_some() || key.d.is_some())
}

fn is_for_signatures(key: &Jwk) -> bool {
    let of_known_kind = !matches!(key.algorithm, AlgorithmParameters::Other(_));
    let for_use = key.common.public_key_use.as_ref().is_none_or(|key_use| *key_use == PublicKeyUse::Signature);
    let operations = key.common.key_operations.as_ref();
    of_known_kind && for_use && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

/// Returns the algorithm that the key names, else the usual one of its kind. `None` if the kind has
/// no known algorithm for signatures.
fn algorithm(key: &Jwk) -> Option<Algorithm> {
    if let Some(named) = key.common.key_algorithm {
        return Algorithm::try_from(named).ok();
    }
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::OctetKey(_) => Some(Algorithm::HS256),
        AlgorithmParameters::OctetKeyPair(pair) => (pair.curve == EllipticCurve::Ed25519).then_some(Algorithm::EdDSA),
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => Some(Algorithm::ES256),
            EllipticCurve::P384 => Some(Algorithm::ES384),
            _ => None,
        },
        _ => None,
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
