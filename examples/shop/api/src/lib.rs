//! The API of the shop: three traits, and the types that its services and their callers share.
//!
//! A caller depends on this crate and on `callbox-client`, and on nothing of the services. Each
//! trait brings its typed client: [`CatalogClient`], [`OrdersClient`] and [`NotifyClient`].

pub mod catalog;
pub mod notify;
pub mod orders;

pub use catalog::{CatalogClient, CatalogError, Product};
pub use notify::{Mail, NotifyClient};
pub use orders::{Item, Line, Order, OrderError, OrdersClient, Report, Sale};
