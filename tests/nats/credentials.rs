//! Who may connect: passwords, tokens and JWTs, and what a user may do with a connection.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callbox::client::Nats;
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::program::{Program, RunningProgram};
use nkeys::{KeyPair, KeyPairType};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::run;

/// Starts an instance that serves over NATS alone.
fn instance(arguments: &[&str]) -> RunningProgram {
    let mut program = Program::with_role("market", &[arguments, &["--port", "off"]].concat()).spawn();
    program.wait_for_line("taking calls over NATS");
    program
}

/// The address of a server with this before the `@`.
fn with(nats: &NatsServer, user: &str) -> String {
    nats.url().replace("nats://", &format!("nats://{user}@"))
}

async fn sum(url: &str) -> Result<u64, String> {
    let nats = Nats::connect(url).await.map_err(|error| error.to_string())?;
    Ok(nats.service("shop.market").call("add", [1, 2]).await.unwrap())
}

/// The address has a name and a password, or a token. Those that are wrong are named in no message.
pub(crate) fn in_the_address() {
    for (arguments, right, wrong) in [
        (&["--user", "shop", "--pass", "p@ss:word"][..], "shop:p%40ss%3Aword", ["shop:s3cret", "s3cret:p%40ss%3Aword"]),
        (&["--auth", "s3same"], "s3same", ["s3cret", "s3cret:s3same"]),
    ] {
        let nats = NatsServer::start(arguments);
        let _instance = instance(&["--nats", &with(&nats, right)]);
        run(async {
            assert_eq!(sum(&with(&nats, right)).await, Ok(3));
            for wrong in wrong {
                let refused = sum(&with(&nats, wrong)).await.unwrap_err();
                assert!(refused.contains("authorization violation"), "{refused}");
                assert!(!refused.contains("s3cret"), "{refused}");
            }
            assert!(sum(&nats.url()).await.is_err(), "without credentials");
        });
        for wrong in wrong {
            let ended = Program::with_role("market", &["--nats", &with(&nats, wrong), "--port", "off"]).run();
            assert!(!ended.status.success() && ended.log.contains("authorization violation"), "{ended:?}");
            assert!(!ended.log.contains("s3cret"), "{}", ended.log);
        }
    }
}

/// The claims of a JWT of NATS, signed by whoever vouches for them.
fn jwt(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "jti": name, "iat": 1_700_000_000, "iss": issuer.public_key(), "sub": subject.public_key(),
        "name": name, "nats": nats,
    });
    let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

/// A server that knows one account, and files of credentials as `nsc` writes them.
struct Operator {
    account: KeyPair,
    files: TempDir,
}

impl Operator {
    fn new() -> (Self, NatsServer) {
        let (operator, account) = (KeyPair::new(KeyPairType::Operator), KeyPair::new(KeyPairType::Account));
        let files = tempfile::tempdir().unwrap();
        let unlimited = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
            "conn": -1, "leaf": -1,
        });
        let of_operator = jwt(&operator, &operator, "callbox", &json!({ "type": "operator", "version": 2 }));
        let about = json!({ "type": "account", "version": 2, "limits": unlimited });
        let of_account = jwt(&operator, &account, "shop", &about);
        let config = files.path().join("nats.conf");
        let text = format!(
            "operator: {of_operator}\nresolver: MEMORY\nresolver_preload: {{ {}: {of_account} }}\n",
            account.public_key()
        );
        std::fs::write(&config, text).unwrap();
        let nats = NatsServer::start(&["-c", config.to_str().unwrap()]);
        (Self { account, files }, nats)
    }

    /// Writes the credentials of a user for whom `issuer` vouches, with this key instead of the
    /// user's own.
    fn credentials(&self, name: &str, issuer: &KeyPair, other_key: Option<KeyPair>) -> PathBuf {
        let user = KeyPair::new(KeyPairType::User);
        let claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
        let jwt = jwt(issuer, &user, name, &claims);
        let seed = other_key.unwrap_or(user).seed().unwrap();
        let path = self.files.path().join(format!("{name}.creds"));
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A file of credentials has a JWT and a key. The server wants both to be right.
pub(crate) fn in_a_file() {
    let (operator, nats) = Operator::new();
    let account = &operator.account;
    let right = operator.credentials("right", account, None);
    let of_stranger = operator.credentials("stranger", &KeyPair::new(KeyPairType::Account), None);
    let of_other_key = operator.credentials("other-key", account, Some(KeyPair::new(KeyPairType::User)));
    let empty = operator.files.path().join("empty.creds");
    std::fs::write(&empty, "nothing\n").unwrap();
    let _instance = instance(&["--nats", &nats.url(), "--nats-creds", right.to_str().unwrap()]);
    run(async {
        let connection = Nats::builder(&nats.url()).credentials_file(&right).connect().await.unwrap();
        assert_eq!(connection.service("shop.market").call::<u64>("add", [1, 2]).await.unwrap(), 3);
        for (wrong, expected) in [
            (&of_stranger, "authorization violation"),
            (&of_other_key, "authorization violation"),
            (&empty, "empty.creds"),
        ] {
            let refused = Nats::builder(&nats.url()).credentials_file(wrong).connect().await.unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
        assert!(Nats::connect(&nats.url()).await.is_err(), "without credentials");
    });
    let arguments = ["--nats", &nats.url(), "--nats-creds", of_stranger.to_str().unwrap(), "--port", "off"];
    let ended = Program::with_role("market", &arguments).run();
    assert!(!ended.status.success() && ended.log.contains("authorization violation"), "{ended:?}");
}

/// Users need no more permissions than the guide says.
pub(crate) fn permissions() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("nats.conf");
    let text = r#"
        authorization {
            users = [
                {
                    user: service, password: s, permissions: {
                        subscribe: ["callbox.>", "$SRV.>", "_INBOX.>"]
                        publish: ["callbox.>", "_INBOX.>"]
                    }
                }
                {
                    user: client, password: c, permissions: {
                        subscribe: ["_INBOX.>"]
                        publish: ["callbox.>", "$SRV.>"]
                    }
                }
            ]
        }
    "#;
    std::fs::write(&config, text).unwrap();
    let nats = NatsServer::start(&["-c", config.to_str().unwrap()]);
    let service = with(&nats, "service:s");
    let instances = [instance(&["--nats", &service]), instance(&["--nats", &service])];
    run(async {
        let connection = Nats::connect(&with(&nats, "client:c")).await.unwrap();
        let client = connection.service("shop.market");
        assert_eq!(client.call::<u64>("add", [1, 2]).await.unwrap(), 3);
        let mut prices = client.subscribe::<u64>("prices", ()).await.unwrap();
        let publishing = async {
            loop {
                client.call::<Value>("publish", [7]).await.unwrap();
            }
        };
        let price = tokio::select! {
            price = futures::StreamExt::next(&mut prices) => price.unwrap().unwrap().into_inner(),
            () = publishing => unreachable!(),
        };
        assert_eq!(price, 7);
        assert_eq!(connection.micro_service("shop-market").call::<u64>("add", [1, 2]).await.unwrap(), 3);
    });
    for instance in instances {
        instance.signal(rustix::process::Signal::TERM);
        let ended = instance.wait();
        assert!(ended.status.success() && !ended.log.to_lowercase().contains("permission"), "{}", ended.log);
    }
}

/// A service whose user may not do what it needs does not start, and says what is missing.
pub(crate) fn missing_permissions() {
    for (allowed, missing) in [
        (r#""callbox.>", "$SRV.>""#, "_INBOX."),
        (r#""callbox.>", "_INBOX.>""#, "$SRV.PING"),
        (r#""other.>", "$SRV.>", "_INBOX.>""#, "callbox._instance."),
        (r#""callbox._instance.*", "$SRV.>", "_INBOX.>""#, "callbox."),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("nats.conf");
        let user = format!("{{ user: service, password: s, permissions: {{ subscribe: [{allowed}] }} }}");
        std::fs::write(&config, format!("authorization {{ users = [{user}] }}")).unwrap();
        let nats = NatsServer::start(&["-c", config.to_str().unwrap()]);
        let ended = Program::with_role("market", &["--nats", &with(&nats, "service:s"), "--port", "off"]).run();
        assert!(!ended.status.success() && ended.log.contains("let the user subscribe"), "{allowed}: {ended:?}");
        let refusal = format!("Permissions Violation for Subscription to \"{missing}");
        let error = ended.log.lines().find(|line| line.contains("the services cannot take calls over NATS"));
        assert!(error.is_some_and(|line| line.contains(&refusal)), "{allowed}: {}", ended.log);
    }
}
