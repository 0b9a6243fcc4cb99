//! Who takes a path, of routes that somebody else has made.

use actix_web::dev::Service;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpRequest, HttpResponse};
use futures::future::ready;

/// The pattern by which these routes take a path, if they do. None of their handlers runs.
pub(crate) async fn matching_pattern(path: &str, routes: impl FnOnce(&mut ServiceConfig)) -> Option<String> {
    matching_request(path, routes).await?.match_pattern()
}

/// A request for a path, with all that these routes know of it. None of their handlers runs.
pub(super) async fn matching_request(path: &str, routes: impl FnOnce(&mut ServiceConfig)) -> Option<HttpRequest> {
    // What asks stands before the routes and answers by itself.
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
    async fn a_path_is_taken_by_the_pattern_that_would_answer_it() {
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
