//! A shop for a test: in this process, with a database of its own and a clock that stands still.

use std::path::{Path, PathBuf};

use callbox::auth::{TokenFile, Tokens};
use callbox::testing::{self, TestServer};
use callbox::{Caller, ServiceFactory};
use jiff::Timestamp;
use rust_decimal::Decimal;
use shop::app_with;
use shop::catalog::{Catalog, Memory, Store};
use shop::clock::Clock;
use shop::config::ShopConfig;
use shop::notify::Notify;
use shop::orders::Orders;
use shop_api::{NotifyClient, OrdersClient, Product};
use tempfile::TempDir;

/// What the token of a test may do.
pub(crate) const SCOPES: [&str; 4] = ["catalog:write", "notify:read", "orders:read", "orders:ship"];

/// A running shop. It sells tea and cake.
pub(crate) struct Shop {
    pub(crate) server: TestServer,
    pub(crate) clock: Clock,
    /// A token of the tenant `acme` with all scopes.
    pub(crate) token: String,
    /// The file with the tokens.
    pub(crate) tokens: PathBuf,
    _directory: TempDir,
}

/// Makes a product.
pub(crate) fn product(sku: &str, cents: i64) -> Product {
    Product { sku: sku.to_owned(), name: sku.to_uppercase(), price: Decimal::new(cents, 2) }
}

/// The products of a test.
pub(crate) fn products() -> Memory {
    [product("cake", 320), product("tea", 250)].into_iter().collect()
}

/// Returns settings of a shop whose files are in this directory.
pub(crate) fn config(directory: &Path) -> ShopConfig {
    ShopConfig {
        database_url: format!("sqlite:{}", directory.join("shop.db").display()),
        token_file: directory.join("tokens.toml"),
        page_size: 3,
        upload_limit: 1_000,
    }
}

/// Makes a token.
pub(crate) fn issue(file: &Path, name: &str, scopes: &[&str]) -> String {
    TokenFile::new(file).issue(name, scopes, None).expect("a token").reveal().to_owned()
}

impl Shop {
    pub(crate) fn start() -> Self {
        Self::with_catalog(|| Catalog::new(products(), &ShopConfig { page_size: 3, ..ShopConfig::default() }))
    }

    pub(crate) fn with_catalog<S: Store, Kind: 'static>(catalog: impl ServiceFactory<Catalog<S>, Kind>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path());
        let file = config.token_file.clone();
        let token = issue(&file, "acme", &SCOPES);
        let tokens = Tokens::open(&file).expect("the file of tokens");
        let clock = Clock::stopped_at(Timestamp::UNIX_EPOCH);
        let server = testing::start(app_with(catalog, config, tokens, clock.clone()));
        Self { server, clock, token, tokens: file, _directory: directory }
    }

    /// Returns a client of the orders for a tenant, as his token would give it.
    pub(crate) fn orders(&self, tenant: &str) -> OrdersClient {
        self.server.service::<Orders>().as_caller(Caller::named(tenant)).client()
    }

    pub(crate) fn notify(&self) -> NotifyClient {
        self.server.service::<Notify>().client()
    }
}
