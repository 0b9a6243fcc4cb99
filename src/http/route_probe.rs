//! Finds out which of a program's own routes a path matches.

use actix_web::dev::Service;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpRequest, HttpResponse};
use futures::future::ready;

/// Returns the pattern of the route that matches a path, if there is one. No handler runs.
pub(crate) async fn matching_pattern(path: &str, routes: impl FnOnce(&mut ServiceConfig)) -> Option<String> {
    matching_request(path, routes).await?.match_pattern()
}

/// Returns a request for a path, after these routes have matched it. No handler runs.
pub(super) async fn matching_request(path: &str, routes: impl FnOnce(&mut ServiceConfig)) -> Option<HttpRequest> {
    // The middleware answers every request itself, before the route's handler would run.
    let app = App::new()
        .configure(routes)
        .wrap_fn(|request, _| ready(Ok(request.into_response(HttpResponse::Ok().finish()))));
    let app = init_service(app).await;
    let answer = app.call(TestRequest::get().uri(path).to_request()).await.ok()?;
    Some(answer.request().clone())
}

#[cfg(test)]
mod tests {
    use actix_web::{guard, web};

    use super::*;

    async fn never() -> HttpResponse {
        panic!("no handler runs")
    }

    #[actix_web::test]
    async fn a_path_matches_the_pattern_of_the_route_that_would_answer_it() {
        let routes = |config: &mut ServiceConfig| {
            config.route("/plain", web::get().to(never));
            config.service(web::scope("/scope").route("/inner", web::post().to(never)));
            config.service(web::resource("/guarded").guard(guard::Host("example.org")).to(never));
            config.service(web::scope("/all").route("/{rest}*", web::get().to(never)));
            config.default_service(web::to(never));
        };
        for (path, pattern) in [
            ("/plain", Some("/plain")),
            ("/scope/inner", Some("/scope/inner")),
            ("/guarded", Some("/guarded")),
            ("/all/at/once", Some("/all/{rest}*")),
            ("/scope", None),
            ("/scope/other", None),
            ("/openrpc.json", None),
            ("/", None),
        ] {
            assert_eq!(matching_pattern(path, routes).await.as_deref(), pattern, "{path}");
        }
    }
}
