//! The ways to start a server.

use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::handle::ServerHandle;
use super::log::LogReader;
use super::resolve::Resolution;
use super::{Server, assemble, log, nats, serve};

impl Server {
    /// Runs the server until SIGTERM, SIGHUP or ctrl-c, and then until the admitted calls have been
    /// answered.
    ///
    /// A second SIGTERM or ctrl-c ends it at once. A second SIGHUP does not: the shell and the
    /// system both send one when a terminal is closed. A program that was started with SIGHUP
    /// ignored, as by `nohup`, keeps ignoring it.
    ///
    /// The log is written to standard error, unless the program has set up `tracing` itself. With
    /// [`with_args`](Self::with_args), `--help`, `--version` and `--show-settings` print their text
    /// and return at once.
    ///
    /// # Errors
    /// If anything would keep the server from doing its work, and if a second signal ended it
    /// before its calls were answered. The error is one line that says what happened and how to fix
    /// it.
    pub fn start(self) -> Result<()> {
        if tokio::runtime::Handle::try_current().is_ok() {
            let fix = "call start() from a plain fn main(), or mark main #[actix_web::main] and call .run().await";
            return Err(StartError::new("start() blocks, and was called on a thread that runs async code", fix));
        }
        actix::System::new().block_on(self.run())
    }

    /// Runs the server like [`start`](Self::start), in a program that has an actix runtime already:
    /// within `#[actix_web::main]`.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub async fn run(self) -> Result<()> {
        let mut format = self.likely_log_format();
        let ended = match self.resolve() {
            Ok(Resolution::Run(server, settings)) => {
                format = settings.log_format;
                serve::serve(*server, *settings).await
            }
            Ok(Resolution::Print(text)) => log::print(&text),
            Err(error) => Err(error),
        };
        ended.inspect_err(|error| log::report_error(format, error))
    }

    /// Starts the services without an HTTP server, for an `App` of your own or for calls within the
    /// program.
    ///
    /// The log is written to standard error, unless the program has set up `tracing` itself before.
    ///
    /// ```no_run
    /// # use callbox::{Server, service};
    /// # #[derive(Default)] struct MyService;
    /// # #[service(name = "name.your.service")]
    /// # impl MyService { #[public_method] fn ping(&self) {} }
    /// use actix_web::{App, HttpServer};
    ///
    /// #[actix_web::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let callbox = Server::new(MyService::default).launch().await?;
    ///     let routes = callbox.clone();
    ///     let app = move || App::new().configure(routes.routes());
    ///     HttpServer::new(app).bind("127.0.0.1:8080")?.run().await?;
    ///     callbox.stop().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// With [`with_args`](Self::with_args) the settings come from flags, the environment and the
    /// file as well, and `--help`, `--version` and `--show-settings` print their text and end the
    /// process. Host and port are those of [`ServerHandle::bind_address`]. Settings that your
    /// `HttpServer` decides (TLS, threads, connections) have no effect, and the log says so if one
    /// is set.
    ///
    /// # Errors
    /// Those of [`start`](Self::start), and if there is no actix runtime.
    pub async fn launch(self) -> Result<ServerHandle> {
        self.launch_for(LogReader::Operator).await
    }

    pub(crate) async fn launch_for(self, reader: LogReader) -> Result<ServerHandle> {
        match self.resolve()? {
            Resolution::Run(server, settings) => {
                log::init(&settings, reader, server.service_name())?;
                for (key, source) in settings.set_for_own_listener() {
                    log_warn!("{key} ({source}) has no effect: the HttpServer in which this server is mounted decides");
                }
                let nats = nats::connect(&settings, server.service_name()).await?;
                let running = assemble::assemble(*server, &settings, &Arc::default(), nats)?;
                running.check_console_path().await?;
                running.start().await?;
                Ok(running)
            }
            Resolution::Print(text) => {
                log::print(&text)?;
                std::process::exit(0);
            }
        }
    }
}
