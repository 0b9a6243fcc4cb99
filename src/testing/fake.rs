//! Fakes: clients whose service is a few closures in a test.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use callbox_client::__engine::{Exchange, LocalOptions, LocalTarget, Started};
use callbox_client::{Calls, LocalService, ServiceClient, TypedClient};

use crate::jsonrpc::RpcError;
use crate::service::Message;

/// Returns a client whose calls are answered by closures, in place of a service.
///
/// A service under test gets it by [`Server::with_client`](crate::Server::with_client), as if the
/// service were elsewhere.
///
/// ```
/// use callbox::{RpcError, Server, service, testing};
///
/// struct Prices;
///
/// #[service(name = "prices")]
/// impl Prices {
///     #[public_method]
///     fn of(&self, article: String) -> Result<u64, RpcError> {
///         Err(RpcError::new(1, format!("the database with the price of {article} is not here")))
///     }
/// }
///
/// #[derive(Default)]
/// struct Orders;
///
/// #[service(name = "orders")]
/// impl Orders {
///     #[public_method]
///     async fn total(&self, prices: &PricesClient, article: String, count: u64) -> u64 {
///         prices.of(article).await.unwrap_or_default() * count
///     }
/// }
///
/// let prices = testing::fake::<PricesClient>(|fake| {
///     fake.on(|of: Prices_Of| match of.article.as_str() {
///         "tea" => Ok(3),
///         _ => Err(RpcError::new(404, "No such article")),
///     });
/// });
/// let orders = testing::start(Server::new(Orders::default).with_client(prices));
/// assert_eq!(orders.call(Orders_Total { article: "tea".into(), count: 2 }), Ok(6));
/// assert_eq!(orders.call(Orders_Total { article: "cake".into(), count: 2 }), Ok(0));
/// ```
pub fn fake<C: ServiceClient>(replies: impl FnOnce(&mut Fake<C>)) -> C {
    let mut fake = Fake { replies: HashMap::new(), client: PhantomData };
    replies(&mut fake);
    let target = FakeTarget { name: C::NAME, replies: fake.replies };
    C::from(TypedClient::from(LocalService::new(Arc::new(target), LocalOptions::default())))
}

/// The replies of a fake. See [`fake`].
pub struct Fake<C> {
    replies: HashMap<TypeId, ReplyFn>,
    client: PhantomData<fn() -> C>,
}

type ReplyFn = Box<dyn Fn(&mut dyn Any) + Send + Sync>;

impl<C: ServiceClient> Fake<C> {
    /// Answers the calls and the notifications of one method, by the type of its message. The last
    /// closure for a message counts.
    ///
    /// The call of a method without a closure is answered with -32601.
    pub fn on<M>(&mut self, reply: impl Fn(M) -> Result<M::Output, M::Error> + Send + Sync + 'static) -> &mut Self
    where
        C: Calls<M>,
        M: Message<Error: Into<RpcError>>,
    {
        let answer = move |exchange: &mut dyn Any| {
            let Some(exchange) = exchange.downcast_mut::<Exchange<M>>() else { return };
            if let Some(message) = exchange.message.take() {
                exchange.started = Ok(Started::Ended(reply(message).map_err(Into::into)));
            }
        };
        self.replies.insert(TypeId::of::<Exchange<M>>(), Box::new(answer));
        self
    }
}

struct FakeTarget {
    name: &'static str,
    replies: HashMap<TypeId, ReplyFn>,
}

impl LocalTarget for FakeTarget {
    fn name(&self) -> &'static str {
        self.name
    }

    fn start(&self, _: &LocalOptions, exchange: &mut dyn Any) -> Result<(), RpcError> {
        // Not `exchange.type_id()`, which is the type of the reference.
        if let Some(reply) = self.replies.get(&(*exchange).type_id()) {
            reply(exchange);
        }
        Ok(())
    }
}

impl<C> fmt::Debug for Fake<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fake").field("methods", &self.replies.len()).finish()
    }
}
