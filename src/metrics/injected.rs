//! How methods, and factories of services, get the metrics of the program.

use crate::jsonrpc::RpcError;
use crate::service::{CallContext, FromCall, ServiceContext, ServiceNeeds};

use super::Metrics;

/// Those of the server that the method's service belongs to.
impl FromCall for Metrics {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        call.server_value().cloned().ok_or_else(|| {
            let cause = format_args!("the server of {} has no metrics, since it is not assembled yet", call.method());
            RpcError::internal_in(call.method, &cause)
        })
    }

    const READS_REQUEST: bool = false;

    const NEEDS_CALLER: bool = false;

    fn needs(services: &mut ServiceNeeds) {
        services.add_server();
    }
}

impl ServiceContext {
    /// Returns the metrics of the program, for a factory that keeps some of them in the state.
    ///
    /// A factory runs again after a crash, so it does not [`register`](Metrics::register) but asks
    /// for what there may be already:
    ///
    /// ```
    /// use callbox::metrics::prometheus_client::metrics::counter::Counter;
    /// use callbox::{Server, ServiceContext, service, testing};
    ///
    /// struct Orders {
    ///     placed: Counter,
    /// }
    ///
    /// impl Orders {
    ///     async fn open(context: ServiceContext) -> Result<Self, std::io::Error> {
    ///         let (metrics, help) = (context.metrics(), "Number of orders that were placed");
    ///         let placed = metrics.get_or_register("orders_placed", help, Counter::default);
    ///         Ok(Self { placed })
    ///     }
    /// }
    ///
    /// #[service(name = "orders")]
    /// impl Orders {
    ///     #[public_method]
    ///     fn place(&self, article: String) {
    ///         self.placed.inc();
    ///     }
    /// }
    ///
    /// let server = testing::start(Server::new(Orders::open));
    /// server.call(Orders_Place { article: "tea".into() }).unwrap();
    /// assert!(server.get("/metrics").body.contains("\norders_placed_total 1\n"));
    /// ```
    pub fn metrics(&self) -> Metrics {
        self.server_value().cloned().unwrap_or_default()
    }
}
