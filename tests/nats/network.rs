//! An instance on another machine, whose network is cut: nothing of it arrives, and nobody says so.
//!
//! The machines are network namespaces with a pair of virtual links between them, so nothing leaves
//! this one. Needs root, and the program `ip`.

use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use async_nats::Client as RawClient;
use callbox::client::{ClientError, Nats};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::program::{Program, ROLE, RunningProgram};
use futures::StreamExt;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use super::{connect, run};

/// The addresses of both ends of the link.
const HUB: &str = "10.199.0.1";
const FAR: &str = "10.199.0.2";

/// Time for which the link is cut.
const CUT: Duration = Duration::from_secs(8);

/// Two machines with a link between them.
struct Machines {
    hub: String,
    far: String,
}

fn ip(arguments: &[&str]) {
    let done = Command::new("ip").args(arguments).output();
    let done = done.unwrap_or_else(|error| panic!("ip: {error}: `bash tests/foreign` installs it"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "ip {}: {said}this test must run as root", arguments.join(" "));
}

impl Machines {
    fn new() -> Self {
        let id = std::process::id();
        let machines = Self { hub: format!("callbox-hub-{id}"), far: format!("callbox-far-{id}") };
        ip(&["netns", "add", &machines.hub]);
        ip(&["netns", "add", &machines.far]);
        ip(&["-n", &machines.hub, "link", "add", "link0", "type", "veth", "peer", "link0", "netns", &machines.far]);
        for (machine, address) in [(&machines.hub, HUB), (&machines.far, FAR)] {
            ip(&["-n", machine, "address", "add", &format!("{address}/30"), "dev", "link0"]);
            ip(&["-n", machine, "link", "set", "lo", "up"]);
            ip(&["-n", machine, "link", "set", "link0", "up"]);
        }
        machines
    }

    /// Takes the link down, or up again.
    fn set_link(&self, state: &str) {
        ip(&["-n", &self.hub, "link", "set", "link0", state]);
    }

    /// Runs something on the hub, as does every thread and every process that it starts.
    fn on_hub(&self, work: impl FnOnce() + Send) {
        let path = Path::new("/run/netns").join(&self.hub);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let namespace = std::fs::File::open(path).unwrap();
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work();
            });
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        });
    }

    /// Starts an instance on the other machine.
    fn far_instance(&self, url: &str) -> RunningProgram {
        let own = std::env::current_exe().unwrap();
        let arguments = ["netns", "exec", &self.far, own.to_str().unwrap(), "--nats", url, "--port", "off"];
        let mut program = Program::at(Path::new("ip"), &arguments).env(ROLE, "market").spawn();
        program.wait_for_line("taking calls over NATS");
        program
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for machine in [&self.hub, &self.far] {
            // What cannot be removed is named after this process, and in nobody's way.
            let _ = Command::new("ip").args(["netns", "delete", machine]).status();
        }
    }
}

/// Returns the ids of the instances that answer, with the number of calls of `add` that each had.
async fn instances(client: &RawClient) -> Vec<(String, u64)> {
    let inbox = client.new_inbox();
    let mut replies = client.subscribe(inbox.clone()).await.unwrap();
    client.publish_with_reply("$SRV.STATS.shop-market", inbox, "".into()).await.unwrap();
    let mut found = Vec::new();
    while let Ok(Some(reply)) = tokio::time::timeout(Duration::from_millis(300), replies.next()).await {
        let stats: Value = serde_json::from_slice(&reply.payload).unwrap();
        let add = stats["endpoints"].as_array().unwrap().iter().find(|endpoint| endpoint["name"] == "add").unwrap();
        found.push((stats["id"].as_str().unwrap().to_owned(), add["num_requests"].as_u64().unwrap()));
    }
    found
}

/// What became of calls in a while.
#[derive(Debug, Default)]
struct Outcomes {
    answered: u64,
    late: u64,
    /// When the last of those ended that were late.
    last_late: Option<Duration>,
}

/// Makes one call after the other, in several places at once, each with a deadline of 300 ms.
async fn calls(client: &callbox::client::Client, time: Duration) -> Outcomes {
    let began = Instant::now();
    let client = client.with_deadline(Duration::from_millis(300));
    let calls = futures::stream::iter(0..).take_while(|_| std::future::ready(began.elapsed() < time));
    let calls = calls.map(|_| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        client.call::<u64>("add", [1, 2]).await
    });
    calls
        .buffer_unordered(8)
        .fold(Outcomes::default(), |mut outcomes, result| async move {
            match result {
                Ok(_) => outcomes.answered += 1,
                Err(ClientError::Deadline(_)) => {
                    outcomes.late += 1;
                    outcomes.last_late = Some(began.elapsed());
                }
                Err(error) => panic!("{error:?}"),
            }
            outcomes
        })
        .await
}

/// Calls that reach an instance behind a cut link end at their deadlines, until NATS has noticed
/// it; then all calls are answered by the others. The instance comes back by itself.
pub(crate) fn cut_link() {
    let machines = Machines::new();
    let mut far = None;
    machines.on_hub(|| {
        // NATS asks each second whether a client is there, and gives it up when it does not answer.
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("nats.conf");
        std::fs::write(&config, "ping_interval: \"1s\"\nping_max: 2\n").unwrap();
        let nats = NatsServer::start(&["-c", config.to_str().unwrap(), "-a", "0.0.0.0"]);
        let _near = super::market::start(&nats);
        far = Some(machines.far_instance(&nats.url().replace("127.0.0.1", HUB)));
        run(async {
            let raw = connect(&nats).await;
            let client = Nats::connect(&nats.url()).await.unwrap().service("shop.market");
            let before = calls(&client, Duration::from_secs(1)).await;
            assert!(before.late == 0 && before.answered > 50, "{before:?}");
            let known = instances(&raw).await;
            assert!(known.len() == 2 && known.iter().all(|(_, calls)| *calls > 0), "{known:?}");

            tokio::task::block_in_place(|| machines.set_link("down"));
            let during = calls(&client, CUT).await;
            let noticed = during.last_late.expect("calls reached the cut instance");
            eprintln!("while cut: {} answered, {} late, the last after {noticed:?}", during.answered, during.late);
            assert!(noticed < CUT - Duration::from_secs(1), "NATS has noticed it: {during:?}");
            assert_eq!(instances(&raw).await.len(), 1);

            tokio::task::block_in_place(|| machines.set_link("up"));
            let up = Instant::now();
            while instances(&raw).await.len() < 2 {
                assert!(up.elapsed() < Duration::from_secs(60), "it does not come back");
            }
            eprintln!("the instance is back {:?} after its link", up.elapsed());
            let calls_before = instances(&raw).await;
            let after = calls(&client, Duration::from_secs(1)).await;
            assert!(after.late == 0 && after.answered > 50, "{after:?}");
            let same = |id: &str| calls_before.iter().find(|(known, _)| known == id).map(|(_, calls)| *calls);
            for (id, calls) in instances(&raw).await {
                assert!(same(&id).is_some_and(|before| calls > before), "{id} takes calls again, as the same instance");
            }
        });
    });
    drop(far);
}
