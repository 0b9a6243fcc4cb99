//! The SQL of the orders. Nothing here is without a tenant.

use jiff::Timestamp;
use shop_api::{Item, Order, Sale};
use sqlx::SqlitePool;

use super::report;
use crate::tenant::Tenant;

/// The table `orders`.
#[derive(Debug)]
pub(super) struct Ledger(SqlitePool);

/// An order that has no number yet.
#[derive(Debug)]
pub(super) struct NewOrder {
    pub(super) key: String,
    pub(super) email: String,
    pub(super) placed: Timestamp,
    pub(super) items: Vec<Item>,
}

/// The columns of a row: number, address, time, whether it was shipped, items.
type Row = (i64, String, String, bool, String);

impl Ledger {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self(pool)
    }

    /// Returns the order of this key.
    pub(super) async fn by_key(&self, tenant: &Tenant, key: &str) -> sqlx::Result<Option<Order>> {
        let query = "SELECT id, email, placed, shipped, items FROM orders WHERE tenant = ? AND key = ?";
        let row = sqlx::query_as::<_, Row>(query).bind(tenant.name()).bind(key).fetch_optional(&self.0).await?;
        row.map(order).transpose()
    }

    /// Adds an order, unless the key has one. Returns the order that the key has now, and whether
    /// it is the new one.
    pub(super) async fn place(&self, tenant: &Tenant, new: NewOrder) -> sqlx::Result<(Order, bool)> {
        let query = "INSERT INTO orders (tenant, key, email, placed, items) VALUES (?, ?, ?, ?, ?) \
                     ON CONFLICT (tenant, key) DO NOTHING";
        let added = sqlx::query(query)
            .bind(tenant.name())
            .bind(&new.key)
            .bind(&new.email)
            .bind(new.placed.to_string())
            .bind(serde_json::to_string(&new.items).map_err(undecodable)?)
            .execute(&self.0)
            .await?;
        let order = self.by_key(tenant, &new.key).await?.ok_or(sqlx::Error::RowNotFound)?;
        Ok((order, added.rows_affected() == 1))
    }

    /// Returns the newest orders with numbers below `before`, the newest first.
    pub(super) async fn page(&self, tenant: &Tenant, before: Option<i64>, limit: u32) -> sqlx::Result<Vec<Order>> {
        let query = "SELECT id, email, placed, shipped, items FROM orders WHERE tenant = ? AND id < ? \
                     ORDER BY id DESC LIMIT ?";
        let query = sqlx::query_as::<_, Row>(query).bind(tenant.name()).bind(before.unwrap_or(i64::MAX)).bind(limit);
        query.fetch_all(&self.0).await?.into_iter().map(order).collect()
    }

    /// Marks an order as shipped, and returns the address of its customer. `None` if nothing
    /// changed.
    pub(super) async fn ship(&self, tenant: &Tenant, id: i64) -> sqlx::Result<Option<String>> {
        let query = "UPDATE orders SET shipped = 1 WHERE tenant = ? AND id = ? AND shipped = 0 RETURNING email";
        sqlx::query_scalar(query).bind(tenant.name()).bind(id).fetch_optional(&self.0).await
    }

    /// Whether there is an order of this number.
    pub(super) async fn has(&self, tenant: &Tenant, id: i64) -> sqlx::Result<bool> {
        let query = "SELECT EXISTS (SELECT 1 FROM orders WHERE tenant = ? AND id = ?)";
        sqlx::query_scalar(query).bind(tenant.name()).bind(id).fetch_one(&self.0).await
    }

    /// Returns the items of all orders.
    pub(super) async fn sales(&self, tenant: &Tenant) -> sqlx::Result<Vec<Sale>> {
        let query = sqlx::query_scalar::<_, String>("SELECT items FROM orders WHERE tenant = ?");
        let mut sales = Vec::new();
        for text in query.bind(tenant.name()).fetch_all(&self.0).await? {
            sales.extend(items(&text)?.into_iter().filter_map(report::sale));
        }
        Ok(sales)
    }

    /// Fails if the database does not answer.
    pub(super) async fn ping(&self) -> sqlx::Result<()> {
        sqlx::query("SELECT 1").execute(&self.0).await.map(drop)
    }

    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

fn order((id, email, placed, shipped, text): Row) -> sqlx::Result<Order> {
    let items = items(&text)?;
    // It was checked when the order was placed.
    let total = report::total(&items).unwrap_or_default();
    Ok(Order { id, email, placed: placed.parse().map_err(undecodable)?, shipped, items, total })
}

fn items(text: &str) -> sqlx::Result<Vec<Item>> {
    serde_json::from_str(text).map_err(undecodable)
}

fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
