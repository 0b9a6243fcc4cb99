//! `MyService`: a JSON-RPC 2.0 microservice, with a page about itself.

pub mod service;

use actix_web::{HttpResponse, web};
use callbox::{Server, ServiceRef, Templates};
use serde_json::json;

use service::{MyService, MyServiceClient};

/// Returns the server, for `main` and for the tests.
pub fn app() -> Server {
    Server::new(MyService::default)
        .tokens(|token: &str| token == "hello_world")
        .bind("127.0.0.1:5000")
        // In the working directory, or else beside the program; `--assets` sets another place.
        .templates("templates")
        .static_files("/static", "static")
        .configure(pages)
}

/// Adds pages of the application.
fn pages(config: &mut web::ServiceConfig) {
    config.service(web::scope("/pages").route("/stats", web::get().to(stats)));
}

/// Calls the service as any client does, but without JSON, and shows the result on a page.
async fn stats(service: ServiceRef<MyService>, pages: Templates) -> actix_web::Result<HttpResponse> {
    let service: MyServiceClient = service.client();
    let count = service.count().await?;
    Ok(pages.render("stats", &json!({ "count": count }))?)
}
