//! The title of a server.

use crate::settings::Settings;
use crate::sync::Arc;

use super::erased_service::ErasedService;

/// Returns the title of the server: by default the names of its services.
pub(super) fn title(settings: &Settings, services: &[Arc<ErasedService>]) -> String {
    let names = || services.iter().map(|service| service.name()).collect::<Vec<_>>();
    settings.title.clone().unwrap_or_else(|| joined(&names()))
}

/// Maximum number of names in a title, which is a heading of one line.
const MAX_NAMES: usize = 3;

fn joined(names: &[&str]) -> String {
    if names.len() <= MAX_NAMES {
        return names.join(", ");
    }
    let (named, others) = names.split_at(MAX_NAMES - 1);
    format!("{} and {} more", named.join(", "), others.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_has_the_names_of_few_services_and_the_number_of_many() {
        for (names, expected) in [
            (&["shop"][..], "shop"),
            (&["shop", "users", "mail"], "shop, users, mail"),
            (&["shop", "users", "mail", "files"], "shop, users and 2 more"),
        ] {
            assert_eq!(joined(names), expected);
        }
    }
}
