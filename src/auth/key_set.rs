//! The keys that JSON Web Tokens are checked with: a JWK set, of which each key has one algorithm.

use std::collections::HashMap;
use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

/// The shortest modulus of an RSA key, in bytes.
const RSA: usize = 2048 / 8;

/// Keys by their ids.
#[derive(Default)]
pub(super) struct KeySet {
    keys: HashMap<String, Key>,
}

/// A key, and the only algorithm that it is used with: what a token says of its algorithm decides nothing.
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

impl KeySet {
    /// Reads a JWK set. Keys that are not for signatures, or of a kind that is not known here, do not count.
    ///
    /// # Errors
    /// In words that name the key: one has no `kid`, or that of another, or is too weak; or there is none at all.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_str(text).map_err(|error| {
            // serde_json's own text may quote a value, which may be a secret.
            format!(
                "line {} is not that of a JWK set: give {{\"keys\": […]}}, as the issuer publishes it",
                error.line()
            )
        })?;
        let mut keys = HashMap::new();
        for key in set.keys.iter().filter(|key| is_for_signatures(key)) {
            let Some(algorithm) = algorithm(key) else { continue };
            let id = key.common.key_id.as_deref().filter(|id| !id.is_empty());
            let id = id.ok_or("a key has no `kid`: give it the one that tokens name it by")?;
            let decoding = DecodingKey::from_jwk(key)
                .map_err(|_| format!("the key {id:?} is not valid: copy it from the issuer again"))?;
            if decoding.family() != algorithm.family() {
                return Err(format!("the key {id:?} is of another kind than its `alg`: correct one of them"));
            }
            is_fit(key, algorithm).map_err(|remedy| format!("the key {id:?} is not fit for its `alg`: {remedy}"))?;
            if keys.insert(id.to_owned(), Key { algorithm, decoding }).is_some() {
                return Err(format!("two keys have the `kid` {id:?}: keep one of them"));
            }
        }
        if keys.is_empty() {
            return Err("it has no key for signatures of a known kind: add one, or else no token is good".to_owned());
        }
        Ok(Self { keys })
    }

    pub(super) fn get(&self, id: &str) -> Option<&Key> {
        self.keys.get(id)
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

fn is_for_signatures(key: &Jwk) -> bool {
    let of_known_kind = !matches!(key.algorithm, AlgorithmParameters::Other(_));
    let for_use = key.common.public_key_use.as_ref().is_none_or(|key_use| *key_use == PublicKeyUse::Signature);
    let operations = key.common.key_operations.as_ref();
    of_known_kind && for_use && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

/// What the key says, else what is usual for its kind.
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

fn is_fit(key: &Jwk, algorithm: Algorithm) -> Result<(), &'static str> {
    // Of base64, four characters hold three bytes.
    let bytes = |base64: &str| base64.len() * 3 / 4;
    let shortest = match algorithm {
        Algorithm::HS384 => 48,
        Algorithm::HS512 => 64,
        _ => 32,
    };
    match &key.algorithm {
        AlgorithmParameters::RSA(key) if bytes(&key.n) < RSA => Err("use an RSA key of 2048 bits at least"),
        AlgorithmParameters::OctetKey(key) if bytes(&key.value) < shortest => {
            Err("use a random secret as long as the hash: 32 bytes for HS256, 48 for HS384, 64 for HS512")
        }
        AlgorithmParameters::EllipticCurve(key) if algorithm.family() == AlgorithmFamily::Ec => {
            let fits = match algorithm {
                Algorithm::ES256 => key.curve == EllipticCurve::P256,
                _ => key.curve == EllipticCurve::P384,
            };
            fits.then_some(()).ok_or("use the curve that belongs to it")
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}
