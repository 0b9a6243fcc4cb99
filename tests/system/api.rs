//! An API apart from its service: the trait, a generic service of it, and its client.

use callbox::client::{Call, ClientError};
use callbox::{BoxError, CallContext, Caller, Message, Server, Service, service, testing};
use serde_json::{Value, json};

/// What a crate of its own would have.
pub(crate) mod stock_api {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use callbox::RpcError;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    /// A product.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub(crate) struct Product {
        pub(crate) name: String,
        pub(crate) price: u64,
    }

    #[derive(Debug, PartialEq, RpcError)]
    pub(crate) enum StockError {
        #[rpc(code = 404)]
        NoSuchProduct,
        #[rpc(code = 409)]
        Taken(#[rpc(data)] u64),
    }

    /// What the shop has.
    #[callbox::client::api(name = "shop.stock", namespace = "stock")]
    pub(crate) trait StockApi {
        /// Returns one product.
        #[public_method(idempotent, deadline = "2s")]
        fn get(&self, id: u64) -> Result<Product, StockError>;

        /// Adds a product.
        #[private_api_method(scope = "stock:write", name = "addProduct")]
        fn add(&self, id: u64, product: Product) -> Result<usize, StockError>;

        /// Returns the names.
        #[public_method]
        #[deprecated(note = "ask for each")]
        fn names(
            &self,
            #[param(default = limit())] limit: usize,
            #[param(rename = "from")] start: Option<u64>,
        ) -> Vec<String>;

        #[public_method]
        fn note(&self, text: String, #[param(rest)] fields: BTreeMap<String, u64>);

        #[public_method]
        fn r#type(&self) -> String;

        #[public_method]
        fn double(&self, number: u64) -> u64;
    }

    fn limit() -> usize {
        2
    }

    pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
}

use stock_api::{Product, Stock_Get, StockApi, StockClient, StockError};

trait Store: Send + Sync + 'static {
    fn products(&mut self) -> &mut Vec<(u64, Product)>;
    fn look(&self) -> &Vec<(u64, Product)>;
}

#[derive(Default)]
struct Memory(Vec<(u64, Product)>);

impl Store for Memory {
    fn products(&mut self) -> &mut Vec<(u64, Product)> {
        &mut self.0
    }

    fn look(&self) -> &Vec<(u64, Product)> {
        &self.0
    }
}

#[derive(Default)]
struct Stock<S> {
    store: S,
    notes: Vec<String>,
}

#[service(api = stock_api::StockApi, version = "7.1.0")]
impl<S: Store> Stock<S> {
    #[handles(mailbox = 16, in_flight = 8)]
    async fn get(&self, id: u64) -> Result<Product, StockError> {
        std::future::ready(()).await;
        let found = self.store.look().iter().find(|(known, _)| *known == id);
        found.map(|(_, product)| product.clone()).ok_or(StockError::NoSuchProduct)
    }

    // The order of the parameters is that of the service.
    #[handles]
    fn add(&mut self, caller: &Caller, product: Product, id: u64) -> Result<usize, StockError> {
        assert!(caller.has_scope("stock:write") || !caller.is_authenticated());
        if self.store.look().iter().any(|(known, _)| *known == id) {
            return Err(StockError::Taken(id));
        }
        self.store.products().push((id, product));
        Ok(self.store.look().len())
    }

    #[handles]
    fn names(&self, limit: usize, start: Option<u64>) -> Vec<String> {
        let from = self.store.look().iter().filter(|(id, _)| *id >= start.unwrap_or_default());
        from.take(limit).map(|(_, product)| product.name.clone()).collect()
    }

    #[handles]
    fn note(&mut self, text: String, fields: std::collections::BTreeMap<String, u64>) {
        self.notes.push(format!("{text} {fields:?}"));
    }

    #[handles]
    fn r#type(&self, call: &CallContext) -> String {
        format!("{} {:?}", call.method(), self.notes)
    }

    #[handles(compute)]
    fn double(number: u64) -> u64 {
        2 * number
    }

    #[on_start]
    fn start(&mut self) {
        self.notes.clear();
    }
}

fn tea() -> Product {
    Product { name: "tea".to_owned(), price: 3 }
}

fn server() -> testing::TestServer {
    let caller = |token: &str| token == "secret";
    testing::start(Server::new(Stock::<Memory>::default).tokens(Writers(caller)))
}

/// Tokens with the scope to write.
struct Writers(fn(&str) -> bool);

impl callbox::auth::Authenticate for Writers {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        Ok((self.0)(token).then(|| Caller::token_holder().with_scope("stock:write")))
    }
}

#[tokio::test]
async fn the_client_of_an_api_calls_its_service() {
    let server = server();
    let stock: StockClient = server.service::<Stock<Memory>>().client();
    assert_eq!(stock.add(1, tea()).await.unwrap(), 1);
    assert!(matches!(stock.add(1, tea()).await, Err(ClientError::Method(StockError::Taken(1)))));
    assert_eq!(stock.get(1).await.unwrap(), tea());
    assert!(matches!(stock.get(2).await, Err(ClientError::Method(StockError::NoSuchProduct))));
    stock.notify(stock.note("hot".to_owned(), [("degrees".to_owned(), 90)].into())).await.unwrap();
    assert_eq!(stock.r#type().await.unwrap(), r#"stock.type ["hot {\"degrees\": 90}"]"#);
    assert_eq!(stock.double(4).await.unwrap(), 8);
}

#[test]
fn over_the_wire_the_methods_have_the_names_and_defaults_of_the_api() {
    let server = server();
    let call = |method: &str, params: Value| {
        let request = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 });
        server.with_token("secret").rpc(&request)
    };
    assert_eq!(call("stock.addProduct", json!([1, tea()]))["result"], 1);
    assert_eq!(call("stock.addProduct", json!({ "id": 2, "product": tea() }))["result"], 2);
    assert_eq!(call("stock.addProduct", json!({ "id": 3, "product": tea() }))["result"], 3);
    assert_eq!(call("stock.names", json!({}))["result"], json!(["tea", "tea"]), "the default limit");
    assert_eq!(call("stock.names", json!({ "limit": 9, "from": 3 }))["result"], json!(["tea"]));
    assert_eq!(call("stock.note", json!({ "text": "t", "degrees": "hot" }))["error"]["data"]["param"], "degrees");
    let denied = server.rpc(&json!({ "jsonrpc": "2.0", "method": "stock.addProduct", "params": [9, tea()], "id": 1 }));
    assert_eq!(denied["error"]["code"], -32001);
}

#[test]
fn the_document_describes_the_api() {
    let server = server();
    let document = server.rpc(&json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 }))["result"].clone();
    assert_eq!(document["info"]["title"], "shop.stock");
    assert_eq!(document["info"]["version"], "7.1.0");
    assert_eq!(document["info"]["description"], "What the shop has.");
    let methods = document["methods"].as_array().unwrap();
    let method = |name: &str| methods.iter().find(|method| method["name"] == name).unwrap();
    assert_eq!(method("stock.get")["summary"], "Returns one product.");
    assert_eq!(method("stock.get")["params"][0]["schema"]["format"], "uint64");
    assert_eq!(method("stock.get")["errors"][0]["code"], 404);
    assert_eq!(method("stock.names")["deprecated"], true);
    assert_eq!(method("stock.names")["params"][0]["schema"]["default"], 2);
    assert!(!methods.iter().any(|method| method["name"] == "stock.addProduct"), "it is private");
}

#[test]
fn the_messages_of_an_api_know_what_binds_callers() {
    fn name_of<M: Message>(_: impl Fn(&StockClient) -> Call<M>) -> &'static str {
        M::NAME
    }
    assert_eq!(name_of(|stock| stock.get(1)), "get");
    assert_eq!((Stock_Get::DEADLINE, Stock_Get::IDEMPOTENT), (stock_api::DEADLINE, true));
    assert_eq!(
        (<Stock<Memory> as Service>::NAME, <Stock<Memory> as Service>::NAMESPACE),
        ("shop.stock", Some("stock"))
    );
    fn serves<S: StockApi>() {}
    serves::<Stock<Memory>>();
}
