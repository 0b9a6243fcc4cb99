//! The server that is attacked: this program again, with another argument.

use std::process::{ExitCode, Termination};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, Responder};
use callbox::auth::{Authenticate, Tokens};
use callbox::{BoxError, Caller, Server, ServiceRef, service};
use rustix::process::{Resource, Rlimit, setrlimit};

/// The argument that makes this program the server.
pub(crate) const ROLE: &str = "serve";

/// A valid token.
pub(crate) const TOKEN: &str = "attack";

/// Maximum time of a shutdown.
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Length of the response to `GET /large`, in bytes.
const LARGE: usize = 4 << 20;

/// Number of panics anywhere in the process.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// The service, whose figures are printed after the server has stopped.
static SERVICE: OnceLock<ServiceRef<Target>> = OnceLock::new();

/// Number of tokens that the authenticator has checked.
static TOKEN_LOOKUPS: AtomicU64 = AtomicU64::new(0);

/// Runs the server to its end: `serve [files DIRECTORY] [descriptors NUMBER] [awaits MILLISECONDS]
/// [tokens FILE] [port NUMBER] [hook usual] [connections NUMBER] [per-peer NUMBER]`.
pub(crate) fn serve(arguments: &[String]) -> ExitCode {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }));
    let mut usual = Some(usual);
    let mut server = Server::new(|| Target)
        .tokens(|token: &str| token == TOKEN)
        .bind("127.0.0.1:0")
        .shutdown_timeout(SHUTDOWN_TIMEOUT);
    for pair in arguments.chunks(2) {
        match pair {
            [key, directory] if key == "files" => {
                server = server.static_files("/static", directory).static_files("/", directory);
            }
            [key, port] if key == "port" => server = server.bind(&format!("127.0.0.1:{port}")),
            [key, _] if key == "hook" => std::panic::set_hook(usual.take().expect("it is asked for once")),
            [key, number] if key == "connections" => {
                server = server.max_connections(number.parse().expect("a number of connections"));
            }
            [key, number] if key == "per-peer" => {
                server = server.max_connections_per_peer(number.parse().expect("a number of connections"));
            }
            [key, number] if key == "descriptors" => {
                let limit = Some(number.parse().expect("a number of descriptors"));
                setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).expect("it can be lowered");
            }
            [key, millis] if key == "awaits" => {
                let pause = Duration::from_millis(millis.parse().expect("a number of milliseconds"));
                server = server.tokens(CountingAuthenticator { checker: |token: &str| token == TOKEN, pause });
            }
            [key, file] if key == "tokens" => {
                let checker = Tokens::open(file).expect("a file of tokens");
                server = server.tokens(CountingAuthenticator { checker, pause: Duration::ZERO });
            }
            other => panic!("{other:?} is unknown"),
        }
    }
    let large = Bytes::from(vec![b'x'; LARGE]);
    let server = server.configure(move |config| {
        let large = large.clone();
        config.route("/large", web::get().to(move || std::future::ready(HttpResponse::Ok().body(large.clone()))));
        config.route("/watch", web::get().to(watch));
    });
    let end = server.start();
    if let Some(service) = SERVICE.get() {
        let wait = service.stats().into_iter().find(|stats| stats.method == "wait").expect("such a method");
        println!("{} admitted", wait.inline + wait.queued);
    }
    end.report()
}

/// Requests that the figures are printed after the server has stopped.
async fn watch(service: ServiceRef<Target>) -> impl Responder {
    SERVICE.get_or_init(|| service);
    HttpResponse::Ok().body("watched")
}

/// An authenticator that counts the tokens that it checks, and may pause for each.
struct CountingAuthenticator<A> {
    checker: A,
    pause: Duration,
}

impl<A: Authenticate> Authenticate for CountingAuthenticator<A> {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        TOKEN_LOOKUPS.fetch_add(1, Ordering::Relaxed);
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        self.checker.authenticate(token).await
    }

    fn keep_for(&self) -> Duration {
        self.checker.keep_for()
    }

    fn generation(&self) -> u64 {
        self.checker.generation()
    }
}

struct Target;

#[service(name = "attack.target")]
impl Target {
    #[public_method]
    fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    #[public_method]
    fn subtract(&self, minuend: i64, subtrahend: i64) -> i64 {
        minuend.wrapping_sub(subtrahend)
    }

    #[public_method]
    fn sum(&self, a: i64, b: i64, c: i64) -> i64 {
        a.wrapping_add(b).wrapping_add(c)
    }

    #[public_method]
    fn get_data(&self) -> (String, u8) {
        ("hello".to_owned(), 5)
    }

    #[public_method]
    fn update(&mut self, a: i64, b: i64, c: i64, d: i64, e: i64) {
        let _ = (a, b, c, d, e);
    }

    #[public_method]
    fn notify_hello(&mut self, n: i64) {
        let _ = n;
    }

    #[public_method]
    fn notify_sum(&mut self, a: i64, b: i64, c: i64) {
        let _ = (a, b, c);
    }

    #[public_method]
    fn echo(&self, text: String) -> String {
        text
    }

    /// Returns a text of this length.
    #[public_method]
    fn blank(&self, length: usize) -> String {
        "x".repeat(length)
    }

    /// Returns the number of panics, in methods and anywhere else.
    #[public_method]
    fn panics(&self) -> u64 {
        PANICS.load(Ordering::Relaxed)
    }

    /// Returns the number of tokens that the authenticator has checked.
    #[public_method]
    fn token_lookups(&self) -> u64 {
        TOKEN_LOOKUPS.load(Ordering::Relaxed)
    }

    /// Needs a valid token.
    #[private_api_method]
    fn secret(&self) -> u64 {
        42
    }

    /// Holds the service's thread. It sleeps, because the callers use the same cores and must keep
    /// up.
    #[public_method(deadline = "200ms")]
    fn work(&mut self, micros: u64) -> u64 {
        std::thread::sleep(Duration::from_micros(micros));
        micros
    }

    /// Waits without holding the thread.
    #[public_method]
    async fn wait(&self, millis: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        millis
    }

    /// Panics for each hundredth number.
    #[public_method]
    fn read(&self, n: u64) -> u64 {
        assert!(!n.is_multiple_of(100), "on purpose");
        n
    }

    /// The same, with exclusive access to the state.
    #[public_method(on_panic = "keep")]
    fn write(&mut self, n: u64) -> u64 {
        self.read(n)
    }
}
