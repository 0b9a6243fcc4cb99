use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use futures::FutureExt;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::regular_file::tests::{at_once, make_pipe};

use super::*;

const SECRET: &[u8] = &[7; 64];

/// A private key of each kind, new for each run.
static KEYS: LazyLock<[EncodingKey; 5]> = LazyLock::new(|| {
    let random = SystemRandom::new();
    let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    let ed = Ed25519KeyPair::generate_pkcs8v1(&random).unwrap();
    [
        EncodingKey::from_secret(SECRET),
        // Behind the frame of PKCS#8 there is the key as the library wants it.
        EncodingKey::from_rsa_der(&rsa.as_ref()[26..]),
        EncodingKey::from_ec_der(p256.as_ref()),
        EncodingKey::from_ec_der(p384.as_ref()),
        EncodingKey::from_ed_der(ed.as_ref()),
    ]
});

/// Every algorithm, with a private key for it.
fn algorithms() -> [(Algorithm, &'static EncodingKey); 12] {
    let [secret, rsa, p256, p384, ed] = &*KEYS;
    [
        (Algorithm::HS256, secret),
        (Algorithm::HS384, secret),
        (Algorithm::HS512, secret),
        (Algorithm::RS256, rsa),
        (Algorithm::RS384, rsa),
        (Algorithm::RS512, rsa),
        (Algorithm::PS256, rsa),
        (Algorithm::PS384, rsa),
        (Algorithm::PS512, rsa),
        (Algorithm::ES256, p256),
        (Algorithm::ES384, p384),
        (Algorithm::EdDSA, ed),
    ]
}

/// The public key, or the secret, as its issuer publishes it.
fn jwk(id: &str, algorithm: Algorithm, key: &EncodingKey) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn set(keys: impl IntoIterator<Item = Value>) -> String {
    json!({ "keys": keys.into_iter().collect::<Vec<_>>() }).to_string()
}

/// All keys, each under the name of its algorithm.
fn all_keys() -> String {
    set(algorithms().map(|(algorithm, key)| jwk(&format!("{algorithm:?}"), algorithm, key)))
}

fn jwt() -> Jwt {
    Jwt::new("issuer", "audience", &all_keys()).unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({ "iss": "issuer", "aud": "audience", "sub": "ann", "exp": now() + 60 })
}

/// The claims with some of them changed; `null` takes one out.
fn changed(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn header(algorithm: Algorithm) -> Header {
    Header { kid: Some(format!("{algorithm:?}")), ..Header::new(algorithm) }
}

fn signed(header: &Header, claims: &Value) -> String {
    let (_, key) = algorithms().into_iter().find(|(algorithm, _)| *algorithm == header.alg).unwrap();
    encode(header, claims, key).unwrap()
}

fn check(jwt: &Jwt, token: &str) -> Option<Caller> {
    jwt.authenticate(token).now_or_never().expect("no await").unwrap()
}

#[test]
fn a_token_of_each_algorithm_has_its_subject_as_caller() {
    let jwt = jwt();
    for (algorithm, _) in algorithms() {
        let caller = check(&jwt, &signed(&header(algorithm), &claims()));
        assert_eq!(caller.unwrap().name(), Some("ann"), "{algorithm:?}");
    }
}

#[test]
fn the_key_decides_on_the_algorithm_and_the_token_does_not() {
    let jwt = jwt();
    for (algorithm, _) in algorithms() {
        for (other, key) in algorithms().into_iter().filter(|(other, _)| *other != algorithm) {
            // Named after the key of one algorithm, and signed by another.
            let header = Header { alg: other, ..header(algorithm) };
            let token = encode(&header, &claims(), key).unwrap();
            assert!(check(&jwt, &token).is_none(), "{other:?} for a key of {algorithm:?}");
        }
    }
}

#[test]
fn a_public_key_is_no_secret_and_a_token_needs_a_signature() {
    let jwt = jwt();
    let public = set([jwk("RS256", Algorithm::RS256, &KEYS[1])]);
    let set: Value = serde_json::from_str(&public).unwrap();
    let modulus = format!("{}==", set["keys"][0]["n"].as_str().unwrap());
    for secret in
        [EncodingKey::from_secret(modulus.as_bytes()), EncodingKey::from_urlsafe_base64_secret(&modulus).unwrap()]
    {
        let token = encode(&Header { kid: Some("RS256".to_owned()), ..Header::default() }, &claims(), &secret).unwrap();
        assert!(check(&jwt, &token).is_none());
    }
    let good = signed(&header(Algorithm::RS256), &claims());
    let [head, body, signature] = *good.split('.').collect::<Vec<_>>() else { panic!("{good}") };
    // {"alg":"none","kid":"RS256"}, and the same with "None".
    for head_of_none in ["eyJhbGciOiJub25lIiwia2lkIjoiUlMyNTYifQ", "eyJhbGciOiJOb25lIiwia2lkIjoiUlMyNTYifQ"] {
        for token in [format!("{head_of_none}.{body}."), format!("{head_of_none}.{body}.{signature}")] {
            assert!(check(&jwt, &token).is_none(), "{token}");
        }
    }
    let other = signed(&header(Algorithm::RS256), &changed(&json!({ "sub": "root" })));
    let other_body = other.split('.').nth(1).unwrap();
    for token in [
        String::new(),
        "hello_world".to_owned(),
        "..".to_owned(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{head}.{body}.{signature}."),
        format!("{head}.{other_body}.{signature}"),
        format!("{good}A"),
        format!(" {good}"),
    ] {
        assert!(check(&jwt, &token).is_none(), "{token}");
    }
}

#[test]
fn a_token_must_name_its_key_and_be_an_access_token() {
    let jwt = jwt();
    let check = |change: fn(&mut Header)| {
        let mut header = header(Algorithm::ES256);
        change(&mut header);
        check(&jwt, &signed(&header, &claims())).is_some()
    };
    assert!(check(|_| ()));
    assert!(check(|header| header.typ = Some("at+JWT".to_owned())));
    assert!(check(|header| header.typ = None));
    assert!(!check(|header| header.typ = Some("logout+jwt".to_owned())));
    assert!(!check(|header| header.kid = None));
    assert!(!check(|header| header.kid = Some("es256".to_owned())));
    assert!(!check(|header| header.kid = Some("ES384".to_owned())));
    assert!(!check(|header| header.crit = Some(vec!["exp".to_owned()])));
    // A key that a token brings along is not one of ours.
    let (_, key) = algorithms()[9];
    let brought = serde_json::from_value(jwk("own", Algorithm::ES256, key)).unwrap();
    let header = Header { kid: Some("own".to_owned()), jwk: Some(brought), ..Header::new(Algorithm::ES256) };
    assert!(super::JwtState::check(&jwt.shared, &signed(&header, &claims())).is_none());
}

#[test]
fn issuer_audience_and_times_must_be_right_with_thirty_seconds_for_clocks() {
    let jwt = jwt();
    let now = now();
    let cases = [
        (json!({}), true),
        (json!({ "iss": null }), false),
        (json!({ "iss": "another" }), false),
        (json!({ "iss": "" }), false),
        (json!({ "iss": 5 }), false),
        (json!({ "iss": ["issuer"] }), false),
        (json!({ "iss": ["another", "issuer"] }), false),
        (json!({ "aud": null }), false),
        (json!({ "aud": "another" }), false),
        (json!({ "aud": [] }), false),
        (json!({ "aud": ["another"] }), false),
        (json!({ "aud": ["another", "audience"] }), true),
        (json!({ "exp": null }), false),
        (json!({ "exp": "soon" }), false),
        (json!({ "exp": (now + 60).to_string() }), false),
        (json!({ "exp": -1 }), false),
        (json!({ "exp": 0 }), false),
        (json!({ "exp": now - 20 }), true),
        (json!({ "exp": now - 40 }), false),
        (json!({ "exp": now as f64 + 60.5 }), true),
        (json!({ "exp": u64::MAX }), true),
        (json!({ "nbf": now - 60 }), true),
        (json!({ "nbf": now + 20 }), true),
        (json!({ "nbf": now + 60 }), false),
        (json!({ "nbf": "later" }), false),
        (json!({ "sub": null }), true),
        (json!({ "sub": 5 }), false),
        (json!({ "scope": 5 }), false),
        (json!({ "scopes": [5] }), false),
    ];
    for (changes, good) in cases {
        let token = signed(&header(Algorithm::EdDSA), &changed(&changes));
        assert_eq!(check(&jwt, &token).is_some(), good, "{changes}");
    }
}

#[test]
fn the_caller_has_the_name_the_scopes_and_the_expiry_of_the_token() {
    let jwt = jwt();
    let cases = [
        (json!({}), vec![]),
        (json!({ "scope": "read  admin" }), vec!["admin", "read"]),
        (json!({ "scope": "" }), vec![]),
        (json!({ "scopes": ["read", "admin"] }), vec!["admin", "read"]),
        (json!({ "scopes": "read admin" }), vec!["admin", "read"]),
        (json!({ "scope": "read", "scopes": ["admin"] }), vec!["read"]),
    ];
    for (changes, scopes) in cases {
        let caller = check(&jwt, &signed(&header(Algorithm::HS256), &changed(&changes))).unwrap();
        assert_eq!(caller.scopes().collect::<Vec<_>>(), scopes, "{changes}");
    }
    let exp = now() + 60;
    let caller =
        check(&jwt, &signed(&header(Algorithm::HS256), &changed(&json!({ "exp": exp, "sub": null })))).unwrap();
    assert_eq!(caller.expires(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(exp + 30)));
    assert!(caller.is_authenticated() && caller.name().is_none());
}

#[test]
fn keys_can_be_replaced_and_a_removed_key_is_no_longer_trusted() {
    let [es256, es384] = [9, 10].map(|at| algorithms()[at]);
    let keys = |ids: &[&str]| set(ids.iter().map(|id| jwk(id, es256.0, es256.1)));
    let jwt = Jwt::new("issuer", "audience", &keys(&["old"])).unwrap();
    let token =
        |id: &str| encode(&Header { kid: Some(id.to_owned()), ..Header::new(es256.0) }, &claims(), es256.1).unwrap();
    let good = |id: &str| check(&jwt, &token(id)).is_some();
    let generation = jwt.generation();
    assert!(good("old") && !good("new"));
    jwt.clone().replace_keys(&keys(&["old", "new"])).unwrap();
    assert!(good("old") && good("new"));
    jwt.replace_keys(&keys(&["new"])).unwrap();
    assert!(!good("old") && good("new"));
    assert_eq!(jwt.generation(), generation + 2);
    assert!(jwt.replace_keys("{}").is_err());
    jwt.replace_keys(&set([jwk("new", es384.0, es384.1)])).unwrap();
    assert!(!good("new"), "another key of the same name");
}

#[test]
fn changes_of_the_key_file_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    let error = Jwt::from_file("issuer", "audience", &path).unwrap_err().to_string();
    assert!(error.contains("keys.json cannot be read") && error.contains("put the issuer's JWK set there"), "{error}");
    fs::write(&path, "{").unwrap();
    let error = Jwt::from_file("issuer", "audience", &path).unwrap_err().to_string();
    assert!(error.contains("keys.json: line 1 is not valid in a JWK set"), "{error}");
    let only = |(algorithm, key): (Algorithm, &EncodingKey)| set([jwk(&format!("{algorithm:?}"), algorithm, key)]);
    fs::write(&path, only(algorithms()[9])).unwrap();
    let jwt = Jwt::from_file("issuer", "audience", &path).unwrap();
    let is_good = |algorithm| check(&jwt, &signed(&header(algorithm), &claims())).is_some();
    assert!(is_good(Algorithm::ES256) && !is_good(Algorithm::ES384));
    fs::write(&path, only(algorithms()[10])).unwrap();
    let start = Instant::now();
    while is_good(Algorithm::ES256) || !is_good(Algorithm::ES384) {
        assert!(start.elapsed() < Duration::from_secs(20), "the new keys are not read");
        std::thread::sleep(Duration::from_millis(2));
    }
    // A set with a weak key is rejected as a whole.
    let weak = json!({ "kty": "oct", "kid": "weak", "k": "AAAA".repeat(11) });
    let (es256, es256_key) = algorithms()[9];
    fs::write(&path, set([jwk("ES256", es256, es256_key), weak])).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(is_good(Algorithm::ES384) && !is_good(Algorithm::ES256), "the last good set holds");
    let error = Jwt::from_file("issuer", "audience", &path).unwrap_err().to_string();
    assert!(error.contains("keys.json: the key \"weak\" is not fit for its `alg`: use a random secret"), "{error}");
    fs::remove_file(&path).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(is_good(Algorithm::ES384), "a file that is gone changes nothing");
    make_pipe(&path);
    let error = at_once(move || Jwt::from_file("issuer", "audience", &path)).unwrap_err().to_string();
    assert!(error.contains("keys.json cannot be read (it is a named pipe, not a regular file)"), "{error}");
}

#[test]
fn a_weak_or_ambiguous_set_is_rejected_with_a_remedy() {
    let key = |at: usize, changes: Value| {
        let (algorithm, key) = algorithms()[at];
        let mut jwk = jwk("key", algorithm, key);
        for (name, value) in changes.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        jwk
    };
    let (hs256, rs256, es256) = (0, 3, 9);
    let cases = [
        (set([]), "it has no key for signatures of a known kind"),
        (set([key(rs256, json!({ "use": "enc" }))]), "it has no key for signatures"),
        (set([key(rs256, json!({ "key_ops": ["encrypt"] }))]), "it has no key for signatures"),
        (set([key(rs256, json!({ "alg": "RSA-OAEP" }))]), "it has no key for signatures"),
        (set([key(rs256, json!({ "kty": "AKP" }))]), "it has no key for signatures"),
        (set([key(rs256, json!({ "kid": null }))]), "a key has no `kid`"),
        (set([key(rs256, json!({ "kid": "" }))]), "a key has no `kid`"),
        (set([key(rs256, json!({})), key(es256, json!({}))]), "two keys have the `kid` \"key\""),
        (set([key(rs256, json!({ "alg": "HS256" }))]), "the key \"key\" is of another kind than its `alg`"),
        (set([key(hs256, json!({ "alg": "RS256" }))]), "the key \"key\" is of another kind than its `alg`"),
        (set([key(es256, json!({ "alg": "ES384" }))]), "use the curve that belongs to it"),
        (set([key(rs256, json!({ "n": "AQAB".repeat(80) }))]), "use an RSA key of 2048 bits"),
        (set([key(hs256, json!({ "k": "c2VjcmV0" }))]), "use a random secret as long as the hash"),
        (set([key(hs256, json!({ "k": "AAAA".repeat(12), "alg": "HS512" }))]), "use a random secret"),
        (set([key(rs256, json!({ "n": "%" }))]), "the key \"key\" is not valid"),
        (json!({ "keys": 5 }).to_string(), "line 1 is not valid in a JWK set"),
    ];
    for (set, said) in cases {
        let error = Jwt::new("issuer", "audience", &set).expect_err(&set).to_string();
        assert!(error.starts_with("the JWK set: ") && error.contains(said), "{error:?} does not say {said:?}");
    }
    for (issuer, audience) in [("", "audience"), ("issuer", "")] {
        assert!(Jwt::new(issuer, audience, &all_keys()).unwrap_err().to_string().contains("is empty: name the one"));
    }
}

#[test]
fn a_key_that_does_not_say_its_algorithm_has_the_usual_one() {
    for (at, usual) in [(0, 0), (3, 3), (9, 9), (10, 10), (11, 11)] {
        let (algorithm, key) = algorithms()[at];
        let mut key = jwk("key", algorithm, key);
        key.as_object_mut().unwrap().remove("alg");
        let jwt = Jwt::new("issuer", "audience", &set([key])).unwrap();
        for (other, (algorithm, key)) in algorithms().into_iter().enumerate() {
            let token =
                encode(&Header { kid: Some("key".to_owned()), ..Header::new(algorithm) }, &claims(), key).unwrap();
            assert_eq!(check(&jwt, &token).is_some(), other == usual, "{algorithm:?}");
        }
    }
}

#[test]
fn debug_output_has_no_keys() {
    let shown = format!("{:?}", jwt());
    let set: Value = serde_json::from_str(&all_keys()).unwrap();
    for key in set["keys"].as_array().unwrap() {
        for part in ["k", "n", "x"].iter().filter_map(|part| key[part].as_str()) {
            assert!(!shown.contains(part), "{shown}");
        }
    }
    assert!(shown.contains("issuer") && shown.contains("12"), "{shown}");
}
