//! The settings of the program itself: how they are asked for, and where they end up.

use std::cell::RefCell;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;

use crate::service::AppConfig;
use crate::settings::{
    APP_PREFIX, AppNotes, AppSettings, BuilderSettings, OwnSettings, ProgramInfo, Resolved, resolve_from,
};
use crate::start_error::Result;
use crate::sync::Arc;

use super::{Server, ServerHandle, log};

/// Where the settings of the program itself come from.
#[derive(Clone)]
pub(super) enum AppPlan {
    /// They are read at the start, by this function.
    Read(fn(&AppSettings) -> Result<(AppConfig, AppNotes)>),
    /// The program has given them.
    Given(AppConfig),
}

/// What [`app_config`] has noticed. The server that starts afterwards shows it.
static READ_BY_MAIN: OnceLock<AppNotes> = OnceLock::new();

/// Reads the settings of the program itself, for a `main` that needs them before it has a server.
///
/// They are the section `[app]` of `callbox.toml`, the variables `APP_…`, and the flag `--app`, as
/// [the guide](crate::guide::settings#settings-of-your-own) explains. The server takes its own
/// settings [from the same sources](Server::with_args), and `--show-settings` lists both.
///
/// ```no_run
/// use callbox::{Server, service};
/// use serde::Deserialize;
///
/// #[derive(Clone, Deserialize)]
/// struct ShopConfig {
///     database_url: String,
///     #[serde(default)]
///     page_size: u32,
/// }
///
/// struct Shop {
///     config: ShopConfig,
/// }
///
/// #[service(name = "shop")]
/// impl Shop {
///     /// Returns the number of articles on a page.
///     #[public_method]
///     fn page_size(&self) -> u32 {
///         self.config.page_size
///     }
/// }
///
/// fn main() -> callbox::Result<()> {
///     let config: ShopConfig = callbox::app_config()?;
///     Server::new(move || Shop { config: config.clone() }).with_args().start()
/// }
/// ```
///
/// With `--help` and `--version` it prints the text and ends the process, since there is nothing to
/// return.
///
/// # Errors
/// If a setting is missing or wrong, also one of the server. The error is one line that names the
/// setting, its source and the fix.
pub fn app_config<T: DeserializeOwned>() -> Result<T> {
    let args: Vec<_> = std::env::args_os().collect();
    let program = args.first().and_then(|program| std::path::Path::new(program).file_stem());
    let program = program.map_or_else(|| "callbox".into(), |name| name.to_string_lossy().into_owned());
    let found = RefCell::new(None);
    let read = |settings: &AppSettings| {
        let (value, notes) = settings.read::<T>()?;
        *found.borrow_mut() = Some(value);
        Ok(READ_BY_MAIN.get_or_init(|| notes).clone())
    };
    let app = OwnSettings::Read { variables: variables(), read: &read };
    let env = |name: &str| std::env::var(name).ok();
    let resolved = resolve_from(&BuilderSettings::default(), args, env, &ProgramInfo { service: &program, app })?;
    match (found.take(), resolved) {
        // The server prints the settings, as it knows those of its builder.
        (Some(value), _) => Ok(value),
        (None, Resolved::Print(text)) => {
            log::print(&text)?;
            std::process::exit(0)
        }
        (None, Resolved::Run(_)) => unreachable!("the settings are read unless a text is printed"),
    }
}

impl Server {
    /// Reads the settings of the program itself into a `T` at the start: the section `[app]` of
    /// `callbox.toml`, the variables `APP_…`, and the flag `--app`, if the program takes settings
    /// [from outside](Self::with_args).
    ///
    /// [The guide](crate::guide::settings#settings-of-your-own) says how values are written. A
    /// `main` that needs them before it has a server calls [`app_config`] instead. A test gives
    /// them with [`app_config_value`](Self::app_config_value).
    ///
    /// ```no_run
    /// use callbox::{Server, service};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct ShopConfig {
    ///     currency: String,
    /// }
    ///
    /// # struct Shop;
    /// # #[service(name = "shop")] impl Shop { #[public_method] fn ping(&self) {} }
    /// # async fn run() -> callbox::Result<()> {
    /// let server = Server::new(|| Shop).app_config::<ShopConfig>().launch().await?;
    /// println!("prices in {}", server.app_config::<ShopConfig>().unwrap().currency);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The start fails if a value is missing or does not fit. The error is one line that names the
    /// setting, its source and the fix.
    pub fn app_config<T: DeserializeOwned + Send + Sync + 'static>(mut self) -> Self {
        self.app = Some(AppPlan::Read(|settings| {
            let (value, notes) = settings.read::<T>()?;
            Ok((AppConfig::new(value), notes))
        }));
        self
    }

    /// Gives the settings of the program itself, in place of reading them with
    /// [`app_config`](Self::app_config): in a test, for example.
    pub fn app_config_value<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.app = Some(AppPlan::Given(AppConfig::new(value)));
        self
    }

    /// Returns the settings of the program itself, once they are resolved.
    pub(super) fn app_value(&self) -> AppConfig {
        match &self.app {
            Some(AppPlan::Given(config)) => config.clone(),
            _ => AppConfig::default(),
        }
    }

    /// Reads the settings of the program itself from no source, for a program that takes none from
    /// outside.
    pub(super) fn resolve_app_alone(&self) -> Result<AppConfig> {
        match &self.app {
            None => Ok(AppConfig::default()),
            Some(AppPlan::Given(config)) => Ok(config.clone()),
            Some(AppPlan::Read(read)) => read(&AppSettings::none()).map(|(config, _)| config),
        }
    }

    /// Calls `resolve` with what is to become of the settings of the program itself. Returns its
    /// result, and the settings, if they were read.
    pub(super) fn with_app_request<R>(
        &self,
        resolve: impl FnOnce(OwnSettings<'_>) -> Result<R>,
    ) -> Result<(R, AppConfig)> {
        let found = RefCell::new(self.app_value());
        let read = |settings: &AppSettings| match &self.app {
            Some(AppPlan::Read(read)) => {
                let (config, notes) = read(settings)?;
                found.replace(config);
                Ok(notes)
            }
            _ => Ok(READ_BY_MAIN.get().cloned().unwrap_or_default()),
        };
        let is_read = matches!(self.app, Some(AppPlan::Read(_))) || READ_BY_MAIN.get().is_some();
        let own = if is_read { OwnSettings::Read { variables: variables(), read: &read } } else { OwnSettings::None };
        let resolved = resolve(own)?;
        Ok((resolved, found.into_inner()))
    }
}

impl ServerHandle {
    /// Returns the settings of the program itself, which [`Server::app_config`] has read or
    /// [`Server::app_config_value`] was given. `None` if they have another type.
    pub fn app_config<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.shared.app.get()
    }
}

/// Returns the variables for settings of the program itself. A value that is not UTF-8 is none.
fn variables() -> Vec<(String, String)> {
    let all =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut own: Vec<_> = all.filter(|(name, _)| name.starts_with(APP_PREFIX)).collect();
    own.sort_unstable();
    own
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::Resolution;
    use super::*;
    use crate::service;

    struct Shop;

    #[service(name = "shop")]
    impl Shop {
        #[public_method]
        fn ping(&self) {}
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Page {
        size: u32,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Colors {
        text: String,
    }

    fn resolved(server: Server) -> Result<AppConfig> {
        match server.resolve()? {
            Resolution::Run(server, _) => Ok(server.app_value()),
            Resolution::Print(text) => panic!("{text}"),
        }
    }

    #[test]
    fn a_server_without_outside_settings_has_the_defaults_or_what_it_was_given() {
        let server = || Server::new(|| Shop);
        assert_eq!(resolved(server().app_config::<Colors>()).unwrap().get(), Some(Arc::new(Colors::default())));
        assert!(resolved(server().app_config::<Page>()).unwrap_err().to_string().contains("app.size is missing"));
        let given = resolved(server().app_config::<Page>().app_config_value(Page { size: 7 })).unwrap();
        assert_eq!((given.get(), given.get::<Colors>()), (Some(Arc::new(Page { size: 7 })), None));
        assert_eq!(resolved(server()).unwrap().get::<Page>(), None);
    }
}
