//! Web pages besides the calls: a scope, handlebars templates, static files, and fetch in the
//! browser.
//!
//! Run with `cargo run --example web_pages`, then open <http://127.0.0.1:5000/>. The shell can do
//! what the pages do:
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"entries","params":{"after":2},"id":1}'
//! # {"jsonrpc":"2.0","result":[],"id":1}
//! call -d '{"jsonrpc":"2.0","method":"count","id":2}'
//! # {"jsonrpc":"2.0","result":2,"id":2}
//! call -H 'X-Api-Token: hello_world' \
//!   -d '{"jsonrpc":"2.0","method":"erase","params":{"id":2},"id":3}'
//! # {"jsonrpc":"2.0","result":true,"id":3}
//! ```
//!
//! With `-- --watch-templates`, a changed template and a mistake in it show at the next reload.
//!
//! The templates are in `templates/web_pages`, the files that the browser loads in `static`.

pub mod pages;
pub mod service;
#[cfg(all(test, feature = "testing"))]
mod tests;

use callbox::Server;

use service::Guestbook;

/// The server, for `main` and for tests.
pub fn app() -> Server {
    Server::new(Guestbook::default)
        .tokens(|token: &str| token == "hello_world")
        .bind("127.0.0.1:5000")
        // From where it is started; elsewhere `--assets` says where they are.
        .templates("templates/web_pages")
        .static_files("/static", "static")
        .configure(pages::routes)
}

fn main() -> callbox::Result<()> {
    app().with_args().start()
}
