//! Addresses of NATS on the command line, as far as no server is needed.

use crate::program::run;

#[test]
fn a_load_that_cannot_be_sent_says_why() {
    for (words, expected) in [
        (&["nats://192.0.2.1", "orders.get"][..], "--allow-remote"),
        (&["nats://127.0.0.1", "get"], "<service>.<method>"),
        (&["nats://127.0.0.1", "orders.get", "--connections", "300"], "--in-flight"),
        (&["http://127.0.0.1:1/api", "get", "--nats-ca", "ca.pem"], "--nats-ca is for services on NATS"),
    ] {
        let output = run(&[&["stress"], words].concat());
        assert!(output.error(2).contains(expected), "{words:?}: {}", output.error(2));
    }
}

#[test]
fn an_address_must_be_one_for_the_command() {
    for (arguments, expected) in [
        (&["services", ":5000"][..], "is not an address of NATS: give one such as nats://127.0.0.1:4222"),
        (&["call", "nats://127.0.0.1:1", "get"], "`callbox services` lists the services"),
        (&["call", ":1", "get", "--nats-prefix", "eu"], "--nats-prefix is for services on NATS"),
        (&["top", ":1", "--once", "--nats-creds", "shop.creds"], "--nats-creds is for services on NATS"),
        (&["describe", ":1", "--nats-key", "shop.key"], "--nats-key is for services on NATS"),
        (&["services", "nats://127.0.0.1:1", "--nats-cert", "shop.pem"], "a certificate for NATS needs its key"),
    ] {
        let output = run(arguments);
        assert!(output.error(2).contains(expected), "{arguments:?}: {}", output.error(2));
    }
}

#[test]
fn an_address_that_is_wrong_is_not_quoted() {
    for url in ["nats://me:s3cret@host:99999", "nats://me:s3,cret@host", "tls://s3cret@", "nats://h,ws://s3cret@h"] {
        let output = run(&["services", url]);
        assert_eq!((output.code, output.out.as_str()), (Some(2), ""), "{output:?}");
        assert!(!output.err.contains("s3") && !output.err.contains("cret"), "{output:?}");
    }
    let nobody = run(&["call", "nats://me:s3cret@127.0.0.1:1", "orders.get"]);
    assert!(nobody.error(5).contains("cannot connect to NATS at nats://127.0.0.1:1"), "{nobody:?}");
    assert!(!nobody.err.contains("s3cret"), "{nobody:?}");
}
