//! The services of a server on NATS, if callbox was built with it.

#[cfg(not(feature = "nats"))]
pub(super) use disabled::{NatsMount, connect};
#[cfg(feature = "nats")]
pub(super) use enabled::{NatsMount, connect};

#[cfg(feature = "nats")]
mod enabled {
    use callbox_client::Nats;

    use crate::nats::{NatsService, NatsServing, ServingParts};
    use crate::server::erased_service::ErasedService;
    use crate::server::handle::ServerState;
    use crate::server::remotes::read_token;
    use crate::service::Directory;
    use crate::settings::Settings;
    use crate::start_error::{Result, StartError};
    use crate::sync::{Arc, Mutex};

    /// The connection of a server, and its place in the groups.
    #[derive(Debug)]
    pub(crate) struct NatsMount {
        connection: Nats,
        serving: Mutex<Option<Arc<NatsServing>>>,
    }

    /// Connects to NATS, if a setting says so. `name` is that of the program.
    ///
    /// # Errors
    /// If the settings cannot be used, and if no server can be reached.
    pub(crate) async fn connect(settings: &Settings, name: &str) -> Result<Option<NatsMount>> {
        let Some(url) = &settings.nats else { return Ok(None) };
        let mut builder = Nats::builder(url.reveal()).prefix(&settings.nats_prefix).name(name);
        if let Some(file) = &settings.nats_creds {
            builder = builder.credentials_file(file);
        }
        if let Some(file) = &settings.nats_ca {
            builder = builder.trust_file(file);
        }
        match (&settings.nats_cert, &settings.nats_key) {
            (Some(certificate), Some(key)) => builder = builder.client_certificate(certificate, key),
            (None, None) => {}
            _ => {
                let fix = "give both --nats-cert and --nats-key, or none of them";
                return Err(StartError::new("the certificate for NATS needs its key", fix));
            }
        }
        if let Some(system) = actix::System::try_current() {
            // Methods that run on this thread may use actix.
            builder = builder.begin_thread(move || actix::System::set_current(system));
        }
        let connection = builder.connect().await.map_err(|error| {
            let fix = format!("start a NATS server there, or correct --nats (now: {})", settings.source("nats"));
            StartError::new(error, fix)
        })?;
        log_info!(url = %url, prefix = settings.nats_prefix, "connected to NATS");
        Ok(Some(NatsMount { connection, serving: Mutex::default() }))
    }

    impl NatsMount {
        /// Lets the services of the server call others over NATS.
        ///
        /// # Errors
        /// If the file of the token cannot be used.
        pub(crate) fn list(&self, directory: &mut Directory, settings: &Settings) -> Result<()> {
            let (nats, token) =
                (self.connection.clone(), settings.service_token.as_deref().map(read_token).transpose()?);
            directory.find_others(move |name| {
                let client = nats.service(name);
                token.as_deref().map_or_else(|| client.clone(), |token| client.with_token(token))
            });
            Ok(())
        }

        /// Takes calls for the services of the server.
        ///
        /// # Errors
        /// If NATS does not let it.
        pub(crate) async fn begin(&self, state: &ServerState) -> Result<()> {
            let service = |service: &Arc<dyn ErasedService>| {
                let stats = Arc::clone(service);
                NatsService { about: service.about(), routes: service.routes(), stats: Arc::new(move || stats.stats()) }
            };
            let serving = NatsServing::begin(ServingParts {
                connection: Arc::clone(self.connection.parts()),
                dispatch: Arc::clone(&state.dispatch),
                services: state.services.iter().map(service).collect(),
                builtins: state.dispatch.router.routes().filter(|route| route.is_builtin()).cloned().collect(),
                token_header: state.endpoint_config.token_header.as_str().to_owned(),
                logging: state.endpoint_config.logging,
                stopping: state.stopping.subscribe(),
            });
            let serving = serving.await.map_err(|error| {
                let what = format_args!("the services cannot take calls over NATS ({error})");
                StartError::new(what, "find out why the connection to NATS is lost at once")
            })?;
            *self.serving.lock() = Some(Arc::new(serving));
            Ok(())
        }

        /// Sends further calls to other instances, and takes those that are on their way.
        pub(crate) async fn leave(&self) {
            let serving = self.serving.lock().clone();
            if let Some(serving) = serving {
                serving.leave().await;
            }
        }

        /// Waits until all replies were sent.
        pub(crate) async fn end(&self) {
            let serving = self.serving.lock().take();
            if let Some(serving) = serving {
                serving.end().await;
            }
        }

        /// Whether there is a connection now.
        pub(crate) fn is_connected(&self) -> bool {
            self.connection.is_connected()
        }
    }
}

#[cfg(not(feature = "nats"))]
mod disabled {
    use crate::server::handle::ServerState;
    use crate::service::Directory;
    use crate::settings::Settings;
    use crate::start_error::{Result, StartError};

    /// The connection of a server, which this program cannot have.
    #[derive(Debug)]
    pub(crate) enum NatsMount {}

    pub(crate) async fn connect(settings: &Settings, _: &str) -> Result<Option<NatsMount>> {
        match &settings.nats {
            None => Ok(None),
            Some(_) => {
                let what = format_args!("this program cannot use NATS ({})", settings.source("nats"));
                Err(StartError::new(what, "build callbox with the feature `nats`"))
            }
        }
    }

    impl NatsMount {
        pub(crate) fn list(&self, _: &mut Directory, _: &Settings) -> Result<()> {
            match *self {}
        }

        pub(crate) async fn begin(&self, _: &ServerState) -> Result<()> {
            match *self {}
        }

        pub(crate) async fn leave(&self) {
            match *self {}
        }

        pub(crate) async fn end(&self) {
            match *self {}
        }

        pub(crate) fn is_connected(&self) -> bool {
            match *self {}
        }
    }
}
