//! The servers, each in its own process.

use std::net::TcpListener;
use std::process::ExitCode;

use actix_web::{App, HttpServer};
use callbox::{Server, service, testing};

use crate::many_methods::{Eight, MAX_METHODS, One, SixtyFour};

/// A service of one method.
#[derive(Default)]
struct Bench;

#[service(name = "bench.observe")]
impl Bench {
    #[public_method]
    fn ping(&self) -> bool {
        true
    }
}

/// The name of the server with few methods.
pub(crate) const FEW: &str = "few";
/// The name of the server with many methods.
pub(crate) const MANY: &str = "many";
/// Number of services of the server with many methods. The feature adds minutes to the build.
pub(crate) const MANY_SERVICES: usize = if cfg!(feature = "thousand-methods") { 16 } else { 2 };
/// Number of methods of these services.
pub(crate) const MANY_METHODS: usize = MANY_SERVICES * MAX_METHODS;
/// The name of the server whose log goes to standard error, with a line for each request.
pub(crate) const LOGGED: &str = "logged";
/// The same without lines.
pub(crate) const UNLOGGED: &str = "unlogged";

/// Runs the server of this name until the process is killed.
pub(crate) fn serve(name: &str, workers: usize) -> ExitCode {
    let server = match name {
        FEW => Server::new(Bench::default).service(|| One::<0>).service(|| Eight::<1>),
        MANY => many_methods(),
        LOGGED | UNLOGGED => return serve_for_operator(name == LOGGED, workers),
        _ => return ExitCode::from(2),
    };
    let server = testing::start(server.workers(workers).batch_limit(MANY_METHODS));
    println!("{}", server.address());
    loop {
        std::thread::park();
    }
}

/// Returns a server with the services of these indexes.
macro_rules! with_services {
    ($($index:literal)*) => { Server::new(Bench::default)$(.service(|| SixtyFour::<$index>))* };
}

#[cfg(not(feature = "thousand-methods"))]
fn many_methods() -> Server {
    with_services!(0 1)
}

#[cfg(feature = "thousand-methods")]
fn many_methods() -> Server {
    with_services!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
}

/// Runs a server as a program does, whose log is not captured by a test.
fn serve_for_operator(access_log: bool, workers: usize) -> ExitCode {
    let served = actix::System::new().block_on(async {
        let callbox = Server::new(Bench::default).access_log(access_log).launch().await?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(callbox::BoxError::from)?;
        println!("{}", listener.local_addr().map_err(callbox::BoxError::from)?);
        let server = HttpServer::new(move || App::new().configure(callbox.routes())).workers(workers);
        server.listen(listener)?.run().await?;
        Ok::<(), callbox::BoxError>(())
    });
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
