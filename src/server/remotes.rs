//! Services in other processes, which settings name.

use std::collections::HashSet;

use crate::service::Directory;
use crate::settings::Settings;
use crate::start_error::{Result, StartError};

/// Adds the services in other processes to the directory. `names` are those of this server.
///
/// # Errors
/// If the program cannot call over HTTP, if a service is in this server as well, or if a URL or the
/// file of the token cannot be used.
pub(super) fn add(directory: &mut Directory, names: &HashSet<&str>, settings: &Settings) -> Result<()> {
    if settings.remote.is_empty() && settings.nats.is_none() && settings.service_token.is_some() {
        let source = settings.source("service_token");
        log_warn!("the service token has no use, since no service is elsewhere; {source}");
    }
    for remote in &settings.remote {
        let source = settings.source("remote");
        let (name, url) = remote.split_once('=').unwrap_or((remote, ""));
        let (name, url) = (name.trim(), url.trim());
        if names.contains(name) {
            let what = format_args!("the service `{name}` is in this server, and elsewhere as well ({source})");
            return Err(StartError::new(what, "remove one of the two: .service(…), or the remote"));
        }
        add_remote(directory, name, url, settings)?;
    }
    Ok(())
}

#[cfg(feature = "client")]
fn add_remote(directory: &mut Directory, name: &str, url: &str, settings: &Settings) -> Result<()> {
    let mut builder = callbox_client::Client::builder(url);
    if let Some(file) = &settings.service_token {
        builder = builder.token(read_token(file)?);
    }
    let client = builder.build().map_err(|error| {
        let what = format_args!("the service `{name}` cannot be called ({error})");
        StartError::new(what, format_args!("correct the URL of the remote ({})", settings.source("remote")))
    })?;
    directory.add_remote(name.to_owned(), client);
    Ok(())
}

/// Reads the token that the server presents to services elsewhere.
///
/// # Errors
/// If the file cannot be read, or has something else in it.
#[cfg(any(feature = "client", feature = "nats"))]
pub(super) fn read_token(file: &std::path::Path) -> Result<String> {
    let cannot = |reason: &dyn std::fmt::Display| {
        let what = format_args!("cannot read the service token in {} ({reason})", file.display());
        StartError::new(what, "write the token and nothing else into that file, or choose another with --service-token")
    };
    let text = crate::regular_file::read_to_string(file).map_err(|error| cannot(&error))?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(cannot(&"it has no token, or more than one"));
    }
    Ok(token.to_owned())
}

#[cfg(not(feature = "client"))]
fn add_remote(_: &mut Directory, name: &str, _: &str, settings: &Settings) -> Result<()> {
    let what = format_args!("this program cannot call the service `{name}` elsewhere ({})", settings.source("remote"));
    Err(StartError::new(what, "build callbox with the feature `client`, or `client-tls` for https://"))
}
