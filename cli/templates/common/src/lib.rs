//! `MyService`: a JSON-RPC 2.0 microservice, with a page about itself.

pub mod service;

use actix_web::{HttpResponse, web};
use callbox::{Server, ServiceRef, Templates};
use serde_json::json;

use service::{MyService, MyServiceClient};

/// The server, for `main` and for the tests.
pub fn app() -> Server {
    Server::new(MyService::default)
        .tokens(|token: &str| token == "hello_world")
        .bind("127.0.0.1:5000")
        // In the working directory, or else beside the program; `--assets` names another place.
        .templates("templates")
        .static_files("/static", "static")
        .configure(pages)
}

/// A scope of the application's own, beside the calls.
fn pages(config: &mut web::ServiceConfig) {
    config.service(web::scope("/pages").route("/stats", web::get().to(stats)));
}

/// Asks the service as any caller does, but without JSON, and shows the answer on a page.
async fn stats(service: ServiceRef<MyService>, pages: Templates) -> actix_web::Result<HttpResponse> {
    let service: MyServiceClient = service.client();
    let count = service.count().await?;
    Ok(pages.render("stats", &json!({ "count": count }))?)
}
