//! The pages: a custom scope whose handlers ask the service and render templates.

use actix_web::{HttpResponse, Result, web};
use callbox::stats::MethodStats;
use callbox::{ServiceRef, Templates};
use serde::Serialize;
use serde_json::json;

use super::service::{Guestbook, Guestbook_Count, Guestbook_Entries};

/// Adds all pages below `/pages`, and a redirect from `/`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::redirect("/", "/pages/guestbook"));
    config.service(
        web::scope("/pages")
            .route("/guestbook", web::get().to(guestbook))
            .route("/mailboxes", web::get().to(mailboxes))
            .route("/mailboxes/table", web::get().to(table)),
    );
}

/// The page with the entries. Its script adds new ones.
async fn guestbook(book: ServiceRef<Guestbook>, pages: Templates) -> Result<HttpResponse> {
    let count = book.call(Guestbook_Count {}).await?;
    let entries = book.call(Guestbook_Entries { after: 0, limit: 50 }).await?;
    Ok(pages.render("guestbook", &json!({ "entries": entries, "count": count }))?)
}

/// The page with the mailboxes.
async fn mailboxes(book: ServiceRef<Guestbook>, pages: Templates) -> Result<HttpResponse> {
    Ok(pages.render("mailboxes", &json!({ "mailboxes": rows(&book) }))?)
}

/// The table of the mailboxes alone, with which the script of the page replaces the old one.
async fn table(book: ServiceRef<Guestbook>, pages: Templates) -> Result<HttpResponse> {
    Ok(pages.render("partials/mailboxes", &json!({ "mailboxes": rows(&book) }))?)
}

/// The row of a method in the table.
#[derive(Debug, Serialize)]
struct Row {
    method: String,
    depth: usize,
    capacity: usize,
    /// Fill level of the mailbox, in percent.
    full: usize,
    inline: u64,
    queued: u64,
    answered: u64,
    failed: u64,
    rejected: u64,
    usual: String,
}

fn rows(book: &ServiceRef<Guestbook>) -> Vec<Row> {
    book.stats().into_iter().map(Row::from).collect()
}

impl From<MethodStats> for Row {
    fn from(stats: MethodStats) -> Self {
        Self {
            full: (100 * stats.depth).div_ceil(stats.capacity),
            depth: stats.depth,
            capacity: stats.capacity,
            inline: stats.inline,
            queued: stats.queued,
            answered: stats.answered,
            failed: stats.failed + stats.panicked,
            rejected: stats.refused + stats.expired + stats.abandoned,
            usual: if stats.usual.is_zero() { "–".to_owned() } else { format!("{:.0?}", stats.usual) },
            method: stats.method,
        }
    }
}
