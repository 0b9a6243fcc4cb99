//! The orders: a service with a database, which calls the other two.

mod ledger;
mod report;

use callbox::client::ClientError;
use callbox::service;
use shop_api::{CatalogClient, CatalogError, Item, Line, NotifyClient, Order, OrderError, Report, Sale};

use crate::clock::Clock;
use crate::config::ShopConfig;
use crate::database::{self, DatabaseError};
use crate::tenant::Tenant;

use ledger::{Ledger, NewOrder};

/// How long after the goods have left a customer is asked whether they are good.
const REVIEW_AFTER_S: u32 = 7 * 24 * 60 * 60;

/// The orders of all tenants.
#[derive(Debug)]
pub struct Orders {
    ledger: Ledger,
    clock: Clock,
    page_size: u32,
}

impl Orders {
    /// Opens the orders in the database: the factory of the service. If it fails at the start, its
    /// error is that of the program. After a crash it is called again until it succeeds.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub async fn connect(config: ShopConfig, clock: Clock) -> Result<Self, DatabaseError> {
        let ledger = Ledger::new(database::connect(&config.database_url).await?);
        Ok(Self { ledger, clock, page_size: config.page_size })
    }
}

// Every method only reads the state, which is a pool of connections: SQLite itself decides who may
// write. So calls wait for the disk together, and not one after another.
#[service(api = shop_api::orders::OrdersApi)]
impl Orders {
    #[handles(mailbox = 256)]
    async fn place(
        &self,
        tenant: &Tenant,
        catalog: &CatalogClient,
        notify: &NotifyClient,
        key: String,
        email: String,
        lines: Vec<Line>,
    ) -> Result<Order, OrderError> {
        if let Some(order) = self.ledger.by_key(tenant, &key).await.map_err(|cause| internal(&cause))? {
            return repeated(order, &email, &lines);
        }
        let items = priced(catalog, &lines).await?;
        report::total(&items).ok_or(OrderError::TooMuchOrdered)?;
        let new = NewOrder { key, email: email.clone(), placed: self.clock.now(), items };
        let (order, is_new) = self.ledger.place(tenant, new).await.map_err(|cause| internal(&cause))?;
        if !is_new {
            // Another call with the same key was faster.
            return repeated(order, &email, &lines);
        }
        let text = format!("Thank you for your order {}. Its total is {}.", order.id, order.total);
        later(notify, &order.email, text, 0).await;
        Ok(order)
    }

    #[handles]
    async fn list(&self, tenant: &Tenant, before: Option<i64>) -> Result<Vec<Order>, OrderError> {
        self.ledger.page(tenant, before, self.page_size).await.map_err(|cause| internal(&cause))
    }

    #[handles]
    async fn ship(&self, tenant: &Tenant, notify: &NotifyClient, id: i64) -> Result<(), OrderError> {
        let Some(email) = self.ledger.ship(tenant, id).await.map_err(|cause| internal(&cause))? else {
            let known = self.ledger.has(tenant, id).await.map_err(|cause| internal(&cause))?;
            return if known { Ok(()) } else { Err(OrderError::NoSuchOrder { id }) };
        };
        later(notify, &email, format!("Your order {id} is on its way."), 0).await;
        later(notify, &email, format!("Do you like what you have ordered ({id})?"), REVIEW_AFTER_S).await;
        Ok(())
    }

    #[handles]
    async fn sales(&self, tenant: &Tenant) -> Result<Vec<Sale>, OrderError> {
        self.ledger.sales(tenant).await.map_err(|cause| internal(&cause))
    }

    // On the worker pool, so that a year of sales holds up nobody.
    #[handles(compute)]
    fn summarize(sales: Vec<Sale>) -> Report {
        report::summarize(sales)
    }

    // Without its database the service gets no calls from the balancer.
    #[ready]
    async fn ready(&self) -> Result<(), sqlx::Error> {
        self.ledger.ping().await
    }

    #[on_stop]
    async fn close(&mut self) {
        self.ledger.close().await;
    }
}

/// Returns the stored order of a key to a caller that sends it again.
///
/// All customers of a tenant share its keys, so the caller may be another customer, who must not
/// see the order.
///
/// # Errors
/// If it is not the same order.
fn repeated(stored: Order, email: &str, lines: &[Line]) -> Result<Order, OrderError> {
    let stored_lines = stored.items.iter().map(|item| (&item.sku, item.pieces));
    let is_same = stored.email == email && stored_lines.eq(lines.iter().map(|line| (&line.sku, line.pieces)));
    if is_same { Ok(stored) } else { Err(OrderError::KeyTaken) }
}

/// Asks the catalog for the name and the price of each line.
async fn priced(catalog: &CatalogClient, lines: &[Line]) -> Result<Vec<Item>, OrderError> {
    if lines.iter().any(|line| line.pieces == 0) {
        return Err(OrderError::NothingOrdered);
    }
    let mut items = Vec::with_capacity(lines.len());
    for Line { sku, pieces } in lines {
        let product = catalog.get(sku.clone()).await.map_err(|error| match error {
            ClientError::Method(CatalogError::NoSuchProduct { sku }) => OrderError::NoSuchProduct { sku },
            // Its own log says why.
            _ => OrderError::CatalogUnavailable,
        })?;
        items.push(Item { sku: product.sku, name: product.name, pieces: *pieces, price: product.price });
    }
    Ok(items)
}

/// Has a mail sent. The order stands whether or not that succeeds.
async fn later(notify: &NotifyClient, to: &str, text: String, after_s: u32) {
    let call = notify.schedule(to.to_owned(), text, after_s);
    if let Err(error) = notify.notify(call).await {
        tracing::warn!(to, %error, "a mail is not sent");
    }
}

/// Hides what is wrong with the database from callers. The error is a type of the crate `shop-api`
/// and the cause one of sqlx, so there can be no `From` for `?` here.
fn internal(cause: &sqlx::Error) -> OrderError {
    OrderError::Internal(cause.to_string())
}
