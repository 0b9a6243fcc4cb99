//! The services of a server on NATS, if callbox was built with it.

use crate::settings::Settings;

#[cfg(not(feature = "nats"))]
pub(super) use disabled::{NatsMount, connect};
#[cfg(feature = "nats")]
pub(super) use enabled::{NatsMount, connect};

/// Warns of settings for a connection that the server does not have.
fn warn_if_unused(settings: &Settings) {
    let Settings { nats_prefix, nats_creds, nats_ca, nats_cert, nats_key, .. } = settings;
    let files = [("nats_creds", nats_creds), ("nats_ca", nats_ca), ("nats_cert", nats_cert), ("nats_key", nats_key)];
    let set = files.into_iter().filter(|(_, file)| file.is_some()).map(|(key, _)| key);
    let prefix = Some("nats_prefix").filter(|_| nats_prefix != DEFAULT_PREFIX);
    for key in set.chain(prefix) {
        log_warn!("{key} has no use, since no server of NATS is named; {}", settings.source(key));
    }
}

/// The beginning of all subjects, unless a setting says otherwise.
const DEFAULT_PREFIX: &str = "callbox";

#[cfg(feature = "nats")]
mod enabled {
    use callbox_client::Nats;

    use crate::dispatch::Dispatch;
    use crate::http::EndpointConfig;
    use crate::nats::{NatsService, NatsServing, ServingParts};
    use crate::server::erased_service::ErasedService;
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
        let Some(url) = &settings.nats else {
            super::warn_if_unused(settings);
            return Ok(None);
        };
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
            builder = builder.begin_thread(move || actix::System::set_current(system.clone()));
        }
        let connection = builder.connect().await.map_err(|error| {
            let fix = format!("start a NATS server there, or correct --nats (now: {})", settings.source("nats"));
            StartError::new(error, fix)
        })?;
        log_info!(url = %url, "connected to NATS");
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
        pub(crate) async fn begin(
            &self,
            services: &[Arc<ErasedService>],
            dispatch: &Arc<Dispatch>,
            config: &EndpointConfig,
        ) -> Result<()> {
            let service = |service: &Arc<ErasedService>| {
                let stats = Arc::clone(service);
                NatsService { about: service.about(), routes: service.routes(), stats: Arc::new(move || stats.stats()) }
            };
            let connection = self.connection.clone();
            config.counters.nats.connect(move || (connection.is_connected(), connection.reconnects()));
            let serving = NatsServing::begin(ServingParts {
                connection: Arc::clone(self.connection.parts()),
                dispatch: Arc::clone(dispatch),
                services: services.iter().map(service).collect(),
                builtins: dispatch.router.routes().filter(|route| route.is_builtin()).cloned().collect(),
                token_header: config.token_header.as_str().to_owned(),
                logging: config.logging,
                counters: Arc::clone(&config.counters.nats),
                body_limit: config.body.bytes,
                stopping: config.stopping.clone(),
            });
            let serving = serving.await.map_err(|error| {
                let what = format_args!("the services cannot take calls over NATS ({error})");
                let fix =
                    "let the user subscribe to its prefix, $SRV.> and _INBOX.>, and see the log for what NATS says";
                StartError::new(what, fix)
            })?;
            *self.serving.lock() = Some(Arc::new(serving));
            log_info!(prefix = self.connection.parts().prefix, "taking calls over NATS");
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
    use crate::dispatch::Dispatch;
    use crate::http::EndpointConfig;
    use crate::server::erased_service::ErasedService;
    use crate::service::Directory;
    use crate::settings::Settings;
    use crate::start_error::{Result, StartError};
    use crate::sync::Arc;

    /// The connection of a server, which this program cannot have.
    #[derive(Debug)]
    pub(crate) enum NatsMount {}

    pub(crate) async fn connect(settings: &Settings, _: &str) -> Result<Option<NatsMount>> {
        match &settings.nats {
            None => {
                super::warn_if_unused(settings);
                Ok(None)
            }
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

        pub(crate) async fn begin(
            &self,
            _: &[Arc<ErasedService>],
            _: &Arc<Dispatch>,
            _: &EndpointConfig,
        ) -> Result<()> {
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
