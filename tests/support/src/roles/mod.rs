//! The servers that a test's own program can be.
//!
//! A test that needs a server as a process of its own starts its own program a second time, with a
//! role in the environment: [`Program::with_role`](crate::program::Program::with_role). Its `main`
//! calls [`run`] first.

use std::process::{ExitCode, Termination};
use std::time::Duration;

use callbox::auth::Authenticate;
use callbox::{BoxError, Caller, RpcError, Server, service};

use crate::program::ROLE;

mod chatty;
mod fragile;
mod holder;
mod streaming;

use chatty::chatty;
use fragile::{Fragile, faulty_log, launched, tested};
use holder::holder;
use streaming::streaming;

/// The token that the role `keeper` accepts. Neither a log nor a response may contain it.
pub const GOOD_TOKEN: &str = "canary-of-the-good-token";

/// Runs the server of this program's role until it stops, and returns its exit code. Returns `None`
/// at once if the program has no role, so it is the test itself.
///
/// # Panics
/// If there is no such role.
pub fn run() -> Option<ExitCode> {
    let role = std::env::var(ROLE).ok()?;
    let greeter = || Server::new(|| Greeter);
    let server = match role.as_str() {
        "greeter" => greeter(),
        "picky" => Server::new(|| Picky),
        "holder" => holder(),
        "keeper" => keeper(),
        "chatty" => chatty(),
        "napping" => Server::new(|| Napping).service(|| Awake).workers(3).shutdown_timeout(Duration::from_secs(1)),
        "dawdler" => Server::new(|| Dawdler),
        "round" => round(),
        "streaming" => streaming(),
        "two of one name" => greeter().service(|| Twin),
        "private without tokens" => Server::new(|| Private),
        "guarded by a file" => Server::new(|| Keeper).token_file("other.toml"),
        "tokens twice" => keeper().token_file("tokens.toml"),
        "scoped with a closure" => Server::new(|| Scoped).tokens(|_: &str| true),
        "no templates" => greeter().templates("there/is/none"),
        "broken template" => greeter().templates("."),
        "lost partial" => greeter().templates("lost"),
        "no static files" => greeter().static_files("/static", "there/is/none"),
        "no start" => Server::new(|| Unwell),
        "slow start" => starting(Duration::from_millis(50), true),
        "slow no start" => starting(Duration::from_millis(500), false),
        "long start" => starting(Duration::from_secs(3600), true),
        "two endpoints of one path" => greeter().add_endpoint("/api", callbox::Dialect::Gemstone),
        "fragile" => Server::new(|| Fragile),
        "own log" => {
            tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
            greeter()
        }
        "faulty log" => {
            faulty_log();
            Server::new(|| Fragile)
        }
        "launched" => return Some(launched()),
        "tested" => return Some(tested()),
        "bad address" => greeter().bind("5000"),
        "polite" => match callbox::app_config::<Politeness>() {
            Ok(politeness) => Server::new(move || Polite { politeness: politeness.clone() }),
            Err(error) => return Some(callbox::Result::<()>::Err(error).report()),
        },
        "polite later" => greeter().app_config::<Politeness>(),
        other => panic!("there is no role {other:?}"),
    };
    Some(server.with_args().start().report())
}

struct Greeter;

#[service(name = "test.greeter")]
impl Greeter {
    /// Says hello.
    #[public_method]
    fn say_hello(&self, name: String) -> String {
        format!("hello {name}")
    }
}

/// The settings of the role `polite` itself.
#[derive(Clone, serde::Deserialize)]
struct Politeness {
    greeting: String,
    #[serde(default)]
    times: usize,
}

struct Polite {
    politeness: Politeness,
}

#[service(name = "test.polite")]
impl Polite {
    #[public_method(message = "SayHelloPolitely")]
    fn say_hello(&self, name: String) -> String {
        let Politeness { greeting, times } = &self.politeness;
        format!("{}{name}", format!("{greeting} ").repeat(*times))
    }
}

/// What its first method wants cannot be made up.
struct Picky;

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
struct Code(#[schemars(regex(pattern = "^[A-Z]{3}-[0-9]+$"))] String);

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
struct Item {
    product: Product,
    count: std::num::NonZeroU8,
    note: Option<String>,
}

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
struct Product {
    name: String,
}

#[service(name = "test.picky", client = false)]
impl Picky {
    #[public_method]
    fn find(&self, code: Code) -> String {
        code.0
    }

    #[public_method]
    fn order(&self, item: Item) -> String {
        format!("{} of {}{}", item.count, item.product.name, item.note.unwrap_or_default())
    }
}

struct Twin;

#[service]
impl Twin {
    #[public_method(message = "TwinHello")]
    fn say_hello(&self) {}
}

struct Private;

#[service]
impl Private {
    #[private_api_method]
    fn hidden(&self) {}
}

struct Scoped;

#[service]
impl Scoped {
    #[private_api_method(scope = "admin")]
    fn administer(&self) {}
}

struct Unwell;

#[service(name = "test.unwell")]
impl Unwell {
    #[public_method]
    fn ping(&self) {}

    #[on_start]
    fn open(&mut self) -> Result<(), std::num::ParseIntError> {
        "eighty".parse::<u16>().map(drop)
    }
}

/// Its readers are quick, and now and then one is not.
struct Napping;

#[service(name = "test.napping")]
impl Napping {
    #[public_method]
    fn nap(&self, ms: u64) -> u64 {
        // No sleep at all is quicker than one of no time.
        if ms > 0 {
            std::thread::sleep(Duration::from_millis(ms));
        }
        ms
    }

    #[public_method(compute)]
    fn nap_on_the_pool(ms: u64) -> u64 {
        std::thread::sleep(Duration::from_millis(ms));
        ms
    }

    #[public_method(inline = false)]
    fn nap_at_home(&self, ms: u64) -> u64 {
        self.nap(ms)
    }
}

struct Awake;

#[service(name = "test.awake")]
impl Awake {
    #[public_method]
    fn blink(&self) -> u64 {
        0
    }

    #[public_method(deadline = "300ms")]
    async fn stare(&self) {
        std::future::pending::<()>().await;
    }
}

/// A greeter that takes its time to start, and may fail in the end.
struct Starting {
    takes: Duration,
    succeeds: bool,
}

fn starting(takes: Duration, succeeds: bool) -> Server {
    Server::new(move || Starting { takes, succeeds })
}

#[service(name = "test.starting")]
impl Starting {
    #[public_method(message = "SayHelloAtLast")]
    fn say_hello(&self, name: String) -> String {
        format!("hello {name}")
    }

    #[on_start]
    async fn open(&mut self) -> Result<(), BoxError> {
        tokio::time::sleep(self.takes).await;
        if self.succeeds { Ok(()) } else { Err("not today".into()) }
    }
}

/// Has something to keep from the log.
struct Keeper;

#[service(name = "test.keeper")]
impl Keeper {
    #[public_method]
    fn echo(&self, text: String) -> String {
        text
    }

    #[private_api_method]
    fn secret(&self, text: String) -> usize {
        text.len()
    }

    #[public_method]
    fn fail(&self, text: String) -> Result<usize, RpcError> {
        Err(RpcError::new(7, "No").with_data(&text))
    }

    #[public_method]
    fn panics(&self, text: String) -> usize {
        assert!(text.is_empty(), "on purpose");
        0
    }

    #[public_method(deadline = "20ms")]
    async fn never(&self, text: String) -> usize {
        std::future::pending::<()>().await;
        text.len()
    }
}

fn keeper() -> Server {
    // The text of a panic is its author's, and so is where it goes; here it goes nowhere.
    std::panic::set_hook(Box::new(|_| {}));
    Server::new(|| Keeper).tokens(Careless)
}

/// Knows one token, and panics or fails with another in its message.
struct Careless;

impl Authenticate for Careless {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        assert!(!token.contains("panic"), "what is {token}?");
        if token.contains("away") {
            return Err(format!("nobody can tell what {token} is").into());
        }
        Ok((token == GOOD_TOKEN).then(|| Caller::named("ann")))
    }
}

/// Takes its time, in good ways and in bad ones.
struct Dawdler;

#[service(name = "test.dawdler")]
impl Dawdler {
    /// Holds the service's thread.
    #[public_method]
    fn dawdle(&mut self, millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    /// Holds it in one of its polls.
    #[public_method]
    async fn dawdle_later(&self, millis: u64) {
        tokio::task::yield_now().await;
        std::thread::sleep(Duration::from_millis(millis));
    }

    /// Leaves it to others meanwhile.
    #[public_method]
    async fn wait(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    #[public_method(compute)]
    fn grind(millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }
}

/// Two services that call each other.
fn round() -> Server {
    Server::new(|| There).service(|| Back)
}

struct There;

struct Back;

#[service(name = "test.there", namespace = "there")]
impl There {
    #[public_method]
    async fn go(&self, back: &BackClient) -> Result<(), RpcError> {
        Ok(back.come().await?)
    }

    #[public_method]
    fn arrive(&self) {}
}

#[service(name = "test.back", namespace = "back")]
impl Back {
    #[public_method]
    async fn come(&self, there: &ThereClient) -> Result<(), RpcError> {
        Ok(there.arrive().await?)
    }
}
