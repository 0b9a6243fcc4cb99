//! A shop of three services in one process. What they know of each other is `shop-api` alone, so
//! the catalog and the mail can move to processes of their own. `README.md` says how, and why the
//! orders stay with the pages.
//!
//! | to see | look at |
//! |---|---|
//! | how the services are put together | [`app`], below |
//! | an API in a crate of its own | `api/src/` |
//! | a service that is generic over its store | [`catalog`] |
//! | a database, calls of other services, errors that hide their cause | [`orders`] |
//! | a task, and a clock that tests move | [`notify`], [`clock`] |
//! | a tenant from a header or a token | [`tenant`] |
//! | pages, an upload, and who may see them | `pages.rs`, `upload.rs`, `access.rs` |
//! | settings of one's own | [`config`] |
//! | a caller in another process | `consumer/src/main.rs` |

mod access;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod database;
pub mod notify;
pub mod orders;
mod pages;
pub mod tenant;
mod upload;

use callbox::auth::Tokens;
use callbox::{Server, ServiceContext, ServiceFactory};

use catalog::{Catalog, Store};
use clock::Clock;
use config::ShopConfig;
use notify::Notify;
use orders::Orders;

/// The server, for `main` and for tests.
pub fn app(config: ShopConfig, tokens: Tokens, clock: Clock) -> Server {
    let settings = config.clone();
    app_with(move || Catalog::connect(settings.clone()), config, tokens, clock)
}

/// The server with any catalog. A test gives one whose products are in memory.
pub fn app_with<S: Store, Kind: 'static>(
    catalog: impl ServiceFactory<Catalog<S>, Kind>,
    config: ShopConfig,
    tokens: Tokens,
    clock: Clock,
) -> Server {
    // A factory is called again after each crash of its service, so it clones what it hands on.
    let orders = {
        let (config, clock) = (config.clone(), clock.clone());
        move || Orders::connect(config.clone(), clock.clone())
    };
    let notify = move |context: ServiceContext| Notify::start(clock.clone(), &context);
    Server::new(orders)
        .service(catalog)
        .service(notify)
        .tokens(tokens.clone())
        .title("Shop")
        .bind("127.0.0.1:5000")
        .templates("templates")
        .configure(move |routes| pages::routes(&config, &tokens, routes))
}
