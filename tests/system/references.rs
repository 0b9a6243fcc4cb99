//! Services that call each other: injected clients, the context of a service, and circles.

use std::time::Duration;

use callbox::client::ClientError;
use callbox::{
    BoxError, CallContext, Caller, FromCall, RpcError, Server, ServiceContext, ServiceNeeds, service, testing,
};
use serde_json::json;

#[derive(Default)]
struct Prices {
    asked: u64,
}

#[service(name = "prices", namespace = "prices")]
impl Prices {
    #[public_method]
    fn of(&mut self, article: String) -> u64 {
        self.asked += 1;
        article.len() as u64
    }

    #[public_method]
    fn who(&self, caller: &Caller) -> Option<String> {
        caller.name().map(str::to_owned)
    }

    #[public_method]
    fn asked(&self) -> u64 {
        self.asked
    }

    /// Calls the service that calls it.
    #[public_method]
    async fn back(&self, orders: &OrdersClient) -> Result<u64, RpcError> {
        orders.count().await.map_err(|error| error.rpc_error().cloned().unwrap())
    }
}

/// What a method can ask of the prices.
struct Till(PricesClient);

impl FromCall for Till {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        call.client().map(Self)
    }

    const NEEDS_CALLER: bool = false;
    const READS_REQUEST: bool = false;

    fn needs(services: &mut ServiceNeeds) {
        services.add::<PricesClient>();
    }
}

#[derive(Default)]
struct Orders {
    count: u64,
}

#[service(name = "orders", namespace = "orders")]
impl Orders {
    #[public_method]
    async fn place(&mut self, prices: &PricesClient, articles: Vec<String>) -> Result<u64, RpcError> {
        let mut total = 0;
        for article in articles {
            total += prices.of(article).await?;
        }
        self.count += 1;
        Ok(total)
    }

    #[public_method]
    async fn till(&self, till: &Till) -> u64 {
        till.0.of("till".to_owned()).await.unwrap()
    }

    #[public_method]
    fn count(&self) -> u64 {
        self.count
    }

    /// Waits for a service that waits for this one.
    #[public_method]
    async fn circle(&self, prices: &PricesClient) -> Result<u64, RpcError> {
        prices.back().await.map_err(|error| error.rpc_error().cloned().unwrap())
    }

    #[public_method]
    async fn ask_as(&self, caller: &Caller, prices: &PricesClient) -> Vec<Option<String>> {
        let plain = prices.who().await.unwrap();
        vec![plain, prices.who().as_caller(caller.clone()).await.unwrap()]
    }
}

fn shop() -> Server {
    Server::new(Orders::default).service(Prices::default)
}

#[tokio::test]
async fn a_method_calls_another_service_by_a_client_that_it_takes() {
    let server = testing::start(shop());
    let orders: OrdersClient = server.service::<Orders>().client();
    assert_eq!(orders.place(vec!["tea".to_owned(), "cake".to_owned()]).await.unwrap(), 7);
    assert_eq!(orders.till().await.unwrap(), 4);
    assert_eq!(server.call(Orders_Place { articles: vec!["tea".to_owned()] }), Ok(3), "over HTTP as well");
    assert_eq!(server.call(Prices_Asked {}), Ok(4));
}

#[tokio::test]
async fn the_caller_travels_only_where_it_is_passed_on() {
    let server = testing::start(shop());
    let orders: OrdersClient = server.service::<Orders>().as_caller(Caller::named("anna")).client();
    assert_eq!(orders.ask_as().await.unwrap(), [None, Some("anna".to_owned())]);
    let orders: OrdersClient = server.service::<Orders>().client();
    let seen = orders.ask_as().as_caller(Caller::named("bert")).await.unwrap();
    assert_eq!(seen, [None, Some("bert".to_owned())]);
}

#[tokio::test]
async fn services_that_wait_for_each_other_get_an_error_and_no_deadlock() {
    let server = testing::start(shop());
    let orders: OrdersClient = server.service::<Orders>().client();
    let circle = orders.circle().with_deadline(Duration::from_secs(20)).await;
    let Err(ClientError::Server(error)) = circle else { panic!("{circle:?}") };
    assert_eq!(error.code(), -32603);
    let prices: PricesClient = server.service::<Prices>().client();
    assert_eq!(prices.back().await.unwrap(), 0, "alone it is no circle");
}

#[test]
fn a_public_method_with_a_client_does_not_ask_who_is_calling() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counted(Arc<AtomicUsize>);

    impl callbox::auth::Authenticate for Counted {
        async fn authenticate(&self, _: &str) -> Result<Option<Caller>, BoxError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Some(Caller::token_holder()))
        }
    }

    let asked = Arc::new(AtomicUsize::new(0));
    let server = testing::start(shop().tokens(Counted(Arc::clone(&asked))));
    let client = server.with_token("some token");
    client.call(Orders_Place { articles: Vec::new() }).unwrap();
    client.call(Orders_Till {}).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    client.call(Prices_Who {}).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

fn start_error(server: Server) -> String {
    let running = actix::System::new().block_on(server.launch());
    running.expect_err("it must not start").to_string()
}

#[test]
fn a_service_that_is_needed_and_absent_stops_the_start() {
    let error = start_error(Server::new(Orders::default));
    assert_eq!(
        error,
        "the method orders.place calls the service `prices`, which this server does not have: add it with .service(…), \
         or say where it is with --remote prices=URL, or with --nats URL"
    );
}

#[test]
fn two_services_of_one_name_stop_the_start() {
    #[derive(Default)]
    struct Other;

    #[service(name = "prices")]
    impl Other {
        #[public_method]
        fn other(&self) {}
    }

    let error = start_error(Server::new(Prices::default).service(Other::default).service(Orders::default));
    assert!(error.starts_with("two services are called `prices`: "), "{error}");
}

struct Shelf {
    prices: PricesClient,
    first: u64,
}

#[service(name = "shelf", namespace = "shelf")]
impl Shelf {
    #[public_method]
    async fn first(&self) -> u64 {
        self.first + self.prices.of("x".to_owned()).await.unwrap()
    }

    /// The prices may still be starting.
    #[on_start]
    async fn load(&mut self, context: &ServiceContext) -> Result<(), ClientError> {
        self.first = context.client::<PricesClient>().of("first".to_owned()).await?;
        Ok(())
    }
}

#[test]
fn a_factory_and_on_start_get_clients_whatever_the_order_of_the_services() {
    let shelf = |context: ServiceContext| Shelf { prices: context.client(), first: 0 };
    let slow = || {
        std::thread::sleep(Duration::from_millis(50));
        Prices::default()
    };
    let server = testing::start(Server::new(shelf).service(slow).service(Orders::default));
    assert_eq!(server.call(Shelf_First {}), Ok(6));
}

#[test]
fn a_factory_whose_service_is_absent_stops_the_start() {
    let error = start_error(Server::new(|context: ServiceContext| Shelf { prices: context.client(), first: 0 }));
    assert_eq!(
        error,
        "the service shelf could not start: it needs the service `prices`: add it with .service(…), or say where it is \
         with --remote prices=URL"
    );
}

macro_rules! waits_for {
    ($service:ident, $name:literal, $client:ty) => {
        #[derive(Default)]
        struct $service;

        #[service(name = $name, namespace = $name)]
        impl $service {
            #[public_method]
            fn ping(&self) {}

            #[on_start]
            async fn wait(&mut self, context: &ServiceContext) -> Result<(), ClientError> {
                context.client::<$client>().ping().await
            }
        }
    };
}

waits_for!(One, "one", TwoClient);
waits_for!(Two, "two", ThreeClient);
waits_for!(Three, "three", OneClient);

#[test]
fn services_whose_starts_wait_for_each_other_stop_the_start_with_the_circle() {
    let error = start_error(Server::new(One::default).service(Two::default).service(Three::default));
    assert!(error.contains("its start waits for a service that waits for it: "), "{error}");
    for pair in ["one → two", "two → three", "three → one"] {
        let circle = error.rsplit(": ").next().unwrap();
        let round = format!("{circle} → {circle}");
        assert!(round.contains(pair), "{error}");
    }
}

waits_for!(Alone, "alone", AloneClient);

#[test]
fn a_service_whose_start_waits_for_itself_stops_the_start() {
    let error = start_error(Server::new(Alone::default));
    let expected = "the service alone could not start: its start waits for a service that waits for it: alone → alone";
    assert_eq!(error, expected);
}

/// A page of the program's own that takes a client.
async fn page(orders: OrdersClient) -> actix_web::Result<String> {
    Ok(format!("{} orders", orders.count().await?))
}

#[test]
fn a_handler_of_actix_web_takes_a_client() {
    let server = shop().configure(|config| {
        config.route("/page", actix_web::web::get().to(page));
    });
    let server = testing::start(server);
    server.call(Orders_Place { articles: Vec::new() }).unwrap();
    assert_eq!(server.get("/page").body, "1 orders");
    let request = json!({ "jsonrpc": "2.0", "method": "orders.count", "id": 1 });
    assert_eq!(server.rpc(&request)["result"], 1);
}

#[tokio::test]
async fn a_fake_answers_in_place_of_a_service() {
    let prices = testing::fake::<PricesClient>(|fake| {
        fake.on(|of: Prices_Of| Ok(of.article.len() as u64 * 100)).on(|_: Prices_Who| Ok(Some("nobody".to_owned())));
    });
    assert_eq!(prices.of("tea".to_owned()).await.unwrap(), 300);
    let unknown = prices.asked().await;
    assert!(matches!(&unknown, Err(ClientError::Server(error)) if error.code() == -32601), "{unknown:?}");

    let server = testing::start(Server::new(Orders::default).with_client(prices));
    let orders: OrdersClient = server.service::<Orders>().client();
    assert_eq!(orders.place(vec!["tea".to_owned()]).await.unwrap(), 300);
    assert_eq!(orders.till().await.unwrap(), 400);
}

#[test]
fn a_test_client_sends_any_request_to_a_route_of_the_program() {
    async fn echo(request: actix_web::HttpRequest, body: String) -> String {
        let kind = request.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        format!("{} {} {body} {kind:?}", request.method(), request.path())
    }
    let server = testing::start(shop().configure(|config| {
        config.default_service(actix_web::web::to(echo));
    }));
    assert_eq!(server.send("PUT", "/files/a", "text").body, "PUT /files/a text None");
    let csv = server.with_token("t").with_header("Content-Type", "text/csv");
    assert_eq!(csv.send("PATCH", "/b", [b'x']).body, r#"PATCH /b x Some("text/csv")"#);
    assert_eq!(csv.send("DELETE", "/c", "").body, r#"DELETE /c  Some("text/csv")"#);
}
