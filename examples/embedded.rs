//! callbox inside an actix-web server of your own: your `App` with your routes and those of
//! callbox.
//!
//! Run with `cargo run --example embedded`, then in another shell:
//!
//! ```sh
//! call() { curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' "$@"; echo; }
//! call -d '{"jsonrpc":"2.0","method":"visit","params":{"name":"Ada"},"id":1}'
//! # {"jsonrpc":"2.0","result":1,"id":1}
//! curl -s http://127.0.0.1:5000/visitors/Ada
//! # Ada was here 1 time(s)
//! curl -s http://127.0.0.1:5000/health
//! # ok
//! ```
//!
//! The program does itself what `Server::start` does otherwise: workers, signals, connections. Its
//! settings come from flags, the environment and `callbox.toml` all the same: try `--port 8080`.

use std::collections::HashMap;
use std::error::Error;

use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use callbox::{RpcError, Server, ServerHandle, ServiceRef, service};

/// The number of visits of each visitor.
#[derive(Debug, Default)]
pub struct Visitors {
    visits: HashMap<String, u64>,
}

#[service(name = "example.visitors")]
impl Visitors {
    /// Counts a visit, and returns the number of visits.
    #[public_method]
    pub fn visit(&mut self, name: String) -> u64 {
        let visits = self.visits.entry(name).or_default();
        *visits += 1;
        *visits
    }

    /// Returns the number of visits of a visitor.
    #[public_method]
    pub fn visits(&self, name: String) -> u64 {
        self.visits.get(&name).copied().unwrap_or_default()
    }
}

/// The services, for `main` and for tests. The address belongs to the HTTP server of the program.
pub fn app() -> Server {
    Server::new(Visitors::default)
}

/// All routes: those of callbox, and the program's own, whose handlers can take a `ServiceRef`.
pub fn routes(callbox: &ServerHandle) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let callbox = callbox.clone();
    move |config| {
        config.configure(callbox.routes());
        config.app_data(web::Data::new(callbox));
        config.route("/health", web::get().to(health));
        config.route("/visitors/{name}", web::get().to(visitor));
    }
}

/// Calls the service in process: through the same mailbox as calls from outside, without JSON.
async fn visitor(name: web::Path<String>, visitors: ServiceRef<Visitors>) -> Result<impl Responder, RpcError> {
    let visits = visitors.call(Visitors_Visits { name: name.clone() }).await?;
    Ok(format!("{name} was here {visits} time(s)\n"))
}

async fn health(callbox: web::Data<ServerHandle>) -> HttpResponse {
    if callbox.is_ready().await {
        HttpResponse::Ok().body("ok\n")
    } else {
        HttpResponse::ServiceUnavailable().body("not ready\n")
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let callbox = app().with_args().launch().await?;
    let running = callbox.clone();
    let server = HttpServer::new(move || App::new().configure(routes(&running))).bind(callbox.bind_address())?;
    for address in server.addrs() {
        tracing::info!(url = %format_args!("http://{address}/api"), "listening");
    }
    server.run().await?;
    // The HTTP server has answered its last request. This runs the calls that are left, such as
    // notifications.
    callbox.stop().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_and_read_body, call_service, init_service};

    use super::*;

    #[actix_web::test]
    async fn callbox_answers_beside_the_routes_of_the_program() {
        let callbox = app().launch().await.unwrap();
        let app = init_service(App::new().configure(routes(&callbox))).await;
        let visit = TestRequest::post()
            .uri("/api")
            .insert_header(("host", "localhost"))
            .insert_header(("content-type", "application/json"))
            .set_payload(r#"{"jsonrpc":"2.0","method":"visit","params":{"name":"Ada"},"id":1}"#)
            .to_request();
        assert_eq!(call_and_read_body(&app, visit).await, r#"{"jsonrpc":"2.0","result":1,"id":1}"#);

        let visitor = TestRequest::get().uri("/visitors/Ada").to_request();
        assert_eq!(call_and_read_body(&app, visitor).await, "Ada was here 1 time(s)\n");
        let health = || TestRequest::get().uri("/health").to_request();
        assert_eq!(call_service(&app, health()).await.status(), 200);

        callbox.stop().await.unwrap();
        assert_eq!(call_service(&app, health()).await.status(), 503, "it is not ready any more");
    }
}
