//! The settings of the shop itself.

use std::path::PathBuf;

use serde::Deserialize;

/// What the section `[app]` of `callbox.toml`, the variables `APP_…` and the flag `--app` set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopConfig {
    /// The database, as sqlx writes it: `sqlite:` and the path of a file, which is made if needed.
    pub database_url: String,
    /// The file of the tokens, which `callbox token new` writes.
    pub token_file: PathBuf,
    /// The number of products or orders on a page.
    pub page_size: u32,
    /// The maximum size of an upload, in bytes.
    pub upload_limit: usize,
}

impl Default for ShopConfig {
    fn default() -> Self {
        Self {
            database_url: "sqlite:shop.db".to_owned(),
            token_file: "callbox-tokens.toml".into(),
            page_size: 20,
            upload_limit: 10 << 20,
        }
    }
}
