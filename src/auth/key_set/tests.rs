use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair,
};
use serde_json::{Value, json};

use super::*;

/// Base64 as a JWK has it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |three: &[u8]| -> String {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*three.get(at).unwrap_or(&0)));
        (0..=three.len()).map(|at| DIGITS[bits >> (18 - 6 * at) & 63] as char).collect()
    };
    bytes.chunks(3).map(digits).collect()
}

fn parse(keys: impl IntoIterator<Item = Value>) -> Result<KeySet, String> {
    KeySet::parse(&json!({ "keys": keys.into_iter().collect::<Vec<_>>() }).to_string())
}

fn rsa(n: &[u8], e: &[u8]) -> Value {
    json!({ "kty": "RSA", "kid": "key", "alg": "RS256", "n": base64(n), "e": base64(e) })
}

fn secret(algorithm: &str, secret: &[u8]) -> Value {
    json!({ "kty": "oct", "kid": "key", "alg": algorithm, "k": base64(secret) })
}

fn curve(name: &str, x: &[u8], y: &[u8]) -> Value {
    json!({ "kty": "EC", "kid": "key", "crv": name, "x": base64(x), "y": base64(y) })
}

fn edwards(name: &str, x: &[u8]) -> Value {
    json!({ "kty": "OKP", "kid": "key", "alg": "EdDSA", "crv": name, "x": base64(x) })
}

/// Asserts that a set is rejected in which only the second key is weak.
#[track_caller]
fn assert_rejected(key: &Value, why: &str) {
    let good = json!({ "kty": "oct", "kid": "good", "k": base64(&random::<32>()) });
    let error = parse([good, key.clone()]).expect_err(&key.to_string());
    assert!(error.starts_with("the key \"key\" ") && error.contains(why), "{error:?} does not say {why:?}");
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    // Random enough, and the same for all tests: zeros at the ends have a test of their own.
    (bytes[0], bytes[N - 1]) = (bytes[0] | 1, bytes[N - 1] | 1);
    bytes
}

#[test]
fn an_rsa_key_is_as_strong_as_its_numbers_and_not_as_their_text() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let zeros = |count: usize, number: &[u8]| [&vec![0; count], number].concat();
    parse([rsa(&n, &e)]).unwrap();
    parse([rsa(&zeros(1, &n), &zeros(2, &e))]).unwrap();
    parse([rsa(&n, &[1, 0, 0, 0, 1])]).unwrap();

    let short = "use an RSA key of 2048 bits at least";
    assert_rejected(&rsa(&zeros(128, &n[128..]), &e), short);
    assert_rejected(&rsa(&zeros(256, &[1]), &e), short);
    assert_rejected(&rsa(&[&[n[0] & 0x7f], &n[1..]].concat(), &e), short);
    assert_rejected(&rsa(&[], &e), short);
    assert_rejected(&rsa(&[n.clone(), n.repeat(4)].concat(), &e), "8192 bits at most");
    assert_rejected(&rsa(&[&n[..255], &[n[255] & !1]].concat(), &e), "the modulus of an RSA key is odd");
    for e in [&[][..], &[0], &[1], &[3], &[17], &[255, 255], &[1, 0, 0], &[0, 0, 0, 1], &[1, 0, 2]] {
        assert_rejected(&rsa(&n, e), "an odd exponent of 65537 at least");
    }
}

#[test]
fn a_point_must_be_on_its_curve() {
    let pair = |algorithm: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::generate(algorithm).unwrap();
    let (p256, p384) = (pair(&ECDSA_P256_SHA256_FIXED_SIGNING), pair(&ECDSA_P384_SHA384_FIXED_SIGNING));
    for (name, pair) in [("P-256", &p256), ("P-384", &p384)] {
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        parse([curve(name, x, y)]).unwrap();
        let mut off = y.to_vec();
        off[7] ^= 1;
        for (x, y) in [(x, &*off), (y, x), (x, &[][..]), (&[][..], &[]), (x, &x[1..]), (&[0; 32], &[0; 32])] {
            assert_rejected(&curve(name, x, y), "it is no point of its curve");
        }
    }
    let point = &p256.public_key().as_ref()[1..];
    assert_rejected(&curve("P-384", &point[..32], &point[32..]), "it is no point of its curve");
}

#[test]
fn an_edwards_key_must_have_a_point_of_large_order() {
    let pair = Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref());
    let pair = pair.unwrap();
    let point = pair.public_key().as_ref();
    parse([edwards("Ed25519", point)]).unwrap();
    assert_rejected(&edwards("Ed25519", &point[1..]), "it is no point of its curve");
    assert_rejected(&edwards("P-256", point), "use the curve that belongs to it");
    let mut one = [0; 32];
    assert_rejected(&edwards("Ed25519", &one), "everybody can sign for this one");
    one[0] = 1;
    assert_rejected(&edwards("Ed25519", &one), "everybody can sign for this one");
    one[31] = 0x80;
    assert_rejected(&edwards("Ed25519", &one), "everybody can sign for this one");
    let minus_one = [&[0xec][..], &[0xff; 30], &[0x7f]].concat();
    assert_rejected(&edwards("Ed25519", &minus_one), "everybody can sign for this one");
}

#[test]
fn a_secret_must_be_random_over_the_whole_length_of_its_hash() {
    let why = "use a random secret as long as the hash";
    for (algorithm, length) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        // Only the zeros below, since the rule is about those at the ends.
        let random = random::<64>().map(|byte| byte.max(1));
        parse([secret(algorithm, &random[64 - length..])]).unwrap();
        assert_rejected(&secret(algorithm, &random[65 - length..]), why);
        assert_rejected(&secret(algorithm, &vec![0; length]), why);
        assert_rejected(&secret(algorithm, &[0; 1000]), why);
        for (before, after) in [(0, 4), (4, 0), (2, 2), (0, length - 5)] {
            let mut filled = random[..length].to_vec();
            filled[..before].fill(0);
            filled[length - after..].fill(0);
            assert_rejected(&secret(algorithm, &filled), why);
        }
        let mut chance = random[..length].to_vec();
        chance[..1].fill(0);
        chance[length - 2..].fill(0);
        parse([secret(algorithm, &chance)]).expect("as may happen by chance");
    }
}

#[test]
fn a_set_with_a_secret_or_a_private_key_has_secrets() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let public = rsa(&n, &e);
    assert!(!parse([public.clone()]).unwrap().has_secrets());
    let mut symmetric = secret("HS256", &random::<32>());
    symmetric["kid"] = "other".into();
    assert!(parse([public.clone(), symmetric]).unwrap().has_secrets());
    let mut private = public;
    private["d"] = base64(&random::<256>()).into();
    assert!(parse([private]).unwrap().has_secrets());
}
