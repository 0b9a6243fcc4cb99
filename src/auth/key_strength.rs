//! Checks that a key is usable and strong enough for its algorithm.
//!
//! The value of a key counts and not its text: a short number with leading zeros is as weak as
//! without them.

use std::ops::RangeInclusive;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use jsonwebtoken::errors::Error;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, RSAKeyParameters};
use jsonwebtoken::{Algorithm, DecodingKey};

/// Allowed sizes of the modulus of an RSA key, in bits. The library checks no signature of a longer
/// one.
const MODULUS_BITS: RangeInclusive<usize> = 2048..=8192;

/// Minimum public exponent of an RSA key, 65537, highest byte first. It is also the usual one. With
/// the exponent 1 every text is a signature of itself, and small exponents have helped to forge
/// signatures.
const MIN_EXPONENT: &[u8] = &[1, 0, 1];

/// Maximum number of zero bytes at the ends of a random secret. One in 800 million has more.
const MAX_ZEROS: usize = 3;

/// The y coordinates of the points of Ed25519 with a small order, lowest byte first. Anybody can
/// make signatures that are valid for such a key.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// Decodes a key for checking signatures.
///
/// # Errors
/// If its values are not base64.
pub(super) fn decode(key: &Jwk) -> Result<DecodingKey, Error> {
    match &key.algorithm {
        // Some issuers write a leading zero byte, which the library rejects.
        AlgorithmParameters::RSA(RSAKeyParameters { n, e, .. }) => {
            let (n, e) = (bytes(n)?, bytes(e)?);
            Ok(DecodingKey::from_rsa_raw_components(number(&n), number(&e)))
        }
        _ => DecodingKey::from_jwk(key),
    }
}

/// Checks that a key is strong enough for an algorithm of its family.
///
/// # Errors
/// If it is not. The error says what to do about it.
pub(super) fn check(key: &Jwk, decoded: &DecodingKey, algorithm: Algorithm) -> Result<(), &'static str> {
    let min_secret = match algorithm {
        Algorithm::HS384 => 48,
        Algorithm::HS512 => 64,
        _ => 32,
    };
    let point = decoded.try_get_as_bytes().unwrap_or_default();
    match &key.algorithm {
        AlgorithmParameters::RSA(key) => check_rsa(key),
        AlgorithmParameters::OctetKey(_) => check_secret(point, min_secret),
        AlgorithmParameters::EllipticCurve(key) => match (algorithm, &key.curve) {
            (Algorithm::ES256, EllipticCurve::P256) => check_point(point, &ECDSA_P256_SHA256_FIXED),
            (Algorithm::ES384, EllipticCurve::P384) => check_point(point, &ECDSA_P384_SHA384_FIXED),
            _ => Err("use the curve that belongs to it"),
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve != EllipticCurve::Ed25519 => {
            Err("use the curve that belongs to it")
        }
        AlgorithmParameters::OctetKeyPair(_) => {
            check_point(point, &ED25519)?;
            let is_small = is_of_small_order(point);
            if is_small { Err("use a random key: everybody can sign for this one") } else { Ok(()) }
        }
        _ => Err("use a key of a known kind"),
    }
}

fn check_rsa(key: &RSAKeyParameters) -> Result<(), &'static str> {
    let (Ok(n), Ok(e)) = (bytes(&key.n), bytes(&key.e)) else { return Err("copy it from the issuer again") };
    let (n, e) = (number(&n), number(&e));
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if bits < *MODULUS_BITS.start() {
        return Err("use an RSA key of 2048 bits at least");
    }
    if bits > *MODULUS_BITS.end() {
        return Err("use an RSA key of 8192 bits at most");
    }
    if !is_odd(n) {
        return Err("copy it from the issuer again: the modulus of an RSA key is odd");
    }
    // Without leading zeros, the longer of two numbers is the larger one.
    if !is_odd(e) || (e.len(), e) < (MIN_EXPONENT.len(), MIN_EXPONENT) {
        return Err("use an RSA key with an odd exponent of 65537 at least, which is written AQAB");
    }
    Ok(())
}

/// Checks the length of a secret, without the zeros at its ends: a padded secret is as easy to
/// guess as without the padding. Zeros at the end do not even change the signatures.
fn check_secret(secret: &[u8], min_length: usize) -> Result<(), &'static str> {
    let value = number(secret);
    let zeros_after = value.iter().rev().take_while(|byte| **byte == 0).count();
    if secret.len() < min_length || value.len() - zeros_after + MAX_ZEROS < min_length {
        return Err("use a random secret as long as the hash: 32 bytes for HS256, 48 for HS384, 64 for HS512");
    }
    Ok(())
}

fn check_point(point: &[u8], curve: &'static dyn VerificationAlgorithm) -> Result<(), &'static str> {
    let parsed = ParsedPublicKey::new(curve, point);
    parsed.map(drop).map_err(|_| "copy it from the issuer again: it is no point of its curve")
}

fn is_of_small_order(point: &[u8]) -> bool {
    let mut hex = super::digest::to_hex(point);
    // The highest bit of the last byte is the sign of the other coordinate.
    if let Some(last) = point.last() {
        hex.replace_range(hex.len() - 2.., &format!("{:02x}", last & 0x7f));
    }
    SMALL_ORDER.contains(&hex.as_str())
}

/// Returns a number without its leading zeros.
fn number(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

/// Decodes base64 of a JWK. The library decodes it alike for all kinds of keys, and returns the
/// bytes unchanged for this one.
fn bytes(base64: &str) -> Result<Vec<u8>, Error> {
    DecodingKey::from_ed_components(base64)?.try_get_as_bytes().map(<[u8]>::to_vec)
}
