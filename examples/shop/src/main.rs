//! Run in this directory with `cargo run`. `README.md` says what there is to see.

use callbox::auth::Tokens;
use shop::clock::Clock;
use shop::config::ShopConfig;

fn main() -> callbox::Result<()> {
    let config: ShopConfig = callbox::app_config()?;
    let tokens = Tokens::open(&config.token_file)?;
    shop::app(config, tokens, Clock::system()).with_args().start()
}
