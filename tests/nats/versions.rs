//! Two versions of a service at once, as while instances are replaced.

use std::collections::BTreeSet;

use callbox::client::{ClientError, Nats};
use callbox::testing::{self, TestServer};
use callbox::{Server, Service, service};
use callbox_test_support::nats_server::NatsServer;

use super::run;

#[derive(Default)]
struct Old;

#[service(name = "tax", version = "1.4.0")]
impl Old {
    #[public_method]
    fn version(&self) -> u64 {
        1
    }

    #[public_method]
    fn of(&self, net: u64) -> u64 {
        net / 5
    }

    /// The new version has it no more.
    #[public_method]
    fn rate(&self) -> u64 {
        20
    }
}

#[derive(Default)]
struct New;

#[service(name = "tax", version = "2.0.0")]
impl New {
    #[public_method]
    fn version(&self) -> u64 {
        2
    }

    /// Has a parameter more, which old callers do not send.
    #[public_method]
    fn of(&self, net: u64, reduced: Option<bool>) -> u64 {
        if reduced.unwrap_or_default() { net / 10 } else { net / 5 }
    }

    #[public_method]
    fn countries(&self) -> Vec<String> {
        vec!["at".to_owned()]
    }
}

fn start<S: Service + Default>(nats: &NatsServer) -> TestServer {
    testing::start(Server::new(S::default).nats(&nats.url()))
}

/// Calls go to the instances that have the method, and to all of them if all have it.
pub(crate) fn both_at_once() {
    let nats = NatsServer::start(&[]);
    let (old, new) = (start::<Old>(&nats), start::<New>(&nats));
    run(async {
        let client = Nats::connect(&nats.url()).await.unwrap().service("tax");
        let mut versions = BTreeSet::new();
        for _ in 0..60 {
            versions.insert(client.call::<u64>("version", ()).await.unwrap());
            assert_eq!(client.call::<u64>("of", [100]).await.unwrap(), 20);
            assert_eq!(client.call::<Vec<String>>("countries", ()).await.unwrap(), ["at"]);
            assert_eq!(client.call::<u64>("rate", ()).await.unwrap(), 20);
        }
        assert_eq!(versions, [1, 2].into(), "both are called");
        tokio::task::block_in_place(|| drop(old));
        assert_eq!(client.call::<u64>("version", ()).await.unwrap(), 2);
        let gone = client.without_retry().call::<u64>("rate", ()).await.unwrap_err();
        assert!(matches!(&gone, ClientError::Rejected(error) if error.code() == -32003), "{gone:?}");
    });
    drop(new);
}
