//! The pages: a public one with the products, and a scope for the staff.

use actix_web::{HttpResponse, Result, web};
use callbox::Templates;
use callbox::auth::Tokens;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use shop_api::{CatalogClient, OrdersClient};

use crate::access::Staff;
use crate::config::ShopConfig;
use crate::tenant::Tenant;
use crate::upload;

/// Adds all routes of the shop's own.
pub(crate) fn routes(config: &ShopConfig, tokens: &Tokens, app: &mut web::ServiceConfig) {
    app.app_data(web::Data::new(tokens.clone())).app_data(web::Data::new(config.clone()));
    app.route("/", web::get().to(products));
    app.service(
        web::scope("/staff")
            .route("/orders", web::get().to(orders))
            .route("/report", web::get().to(report))
            .route("/products", web::post().to(upload::products)),
    );
}

/// The page of the products after this one.
#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

/// The page of the orders before this one.
#[derive(Deserialize)]
struct Before {
    before: Option<i64>,
}

async fn products(
    query: web::Query<After>,
    config: web::Data<ShopConfig>,
    catalog: CatalogClient,
    pages: Templates,
) -> Result<HttpResponse> {
    let products = catalog.list(query.into_inner().after).await?;
    let is_full = products.len() == config.page_size as usize;
    // Templates escape for HTML, and not for a query.
    let last = products.last().filter(|_| is_full);
    let next = last.map(|product| utf8_percent_encode(&product.sku, NON_ALPHANUMERIC).to_string());
    Ok(pages.render("products", &json!({ "products": products, "next": next }))?)
}

async fn orders(
    staff: Staff,
    query: web::Query<Before>,
    config: web::Data<ShopConfig>,
    orders: OrdersClient,
    pages: Templates,
) -> Result<HttpResponse> {
    let caller = staff.with_scope("orders:read")?;
    let tenant = Tenant::of(&caller).map(|tenant| tenant.name().to_owned());
    let orders = orders.list(query.before).as_caller(caller).await?;
    let is_full = orders.len() == config.page_size as usize;
    let next = orders.last().filter(|_| is_full).map(|order| order.id);
    Ok(pages.render("orders", &json!({ "tenant": tenant, "orders": orders, "next": next }))?)
}

/// Two calls: one reads what was sold, and the other sums it up on the worker pool.
async fn report(staff: Staff, orders: OrdersClient, pages: Templates) -> Result<HttpResponse> {
    let orders = orders.as_caller(staff.with_scope("orders:read")?);
    let report = orders.summarize(orders.sales().await?).await?;
    Ok(pages.render("report", &json!({ "report": report }))?)
}
