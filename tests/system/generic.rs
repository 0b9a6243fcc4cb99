//! Services with type parameters: one `impl` block for all their states.

use callbox::client::ClientError;
use callbox::{Caller, RpcError, Server, ServiceRef, service, testing};
use serde_json::json;

/// Where products are kept.
trait Store: Send + Sync + 'static {
    fn get(&self, id: u64) -> Option<String>;
    fn put(&mut self, id: u64, name: String);
}

#[derive(Default)]
struct Memory(Vec<(u64, String)>);

impl Store for Memory {
    fn get(&self, id: u64) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone())
    }

    fn put(&mut self, id: u64, name: String) {
        self.0.push((id, name));
    }
}

struct Fixed;

impl Store for Fixed {
    fn get(&self, id: u64) -> Option<String> {
        Some(format!("product {id}"))
    }

    fn put(&mut self, _: u64, _: String) {}
}

#[derive(Debug, PartialEq, RpcError)]
enum CatalogError {
    #[rpc(code = 404)]
    NoSuchProduct {
        #[rpc(data)]
        id: u64,
    },
}

struct Catalog<S, const N: usize> {
    store: S,
    lists: [u64; N],
}

#[service(name = "catalog")]
impl<S, const N: usize> Catalog<S, N>
where
    S: Store,
{
    /// Returns the name of a product.
    #[public_method(idempotent)]
    async fn get(&self, id: u64) -> Result<String, CatalogError> {
        std::future::ready(()).await;
        self.store.get(id).ok_or(CatalogError::NoSuchProduct { id })
    }

    #[private_api_method]
    fn put(&mut self, caller: &Caller, id: u64, #[param(default = "unnamed".to_owned())] name: String) -> usize {
        assert!(caller.is_authenticated());
        self.store.put(id, name);
        N
    }

    #[public_method]
    fn lists(&self) -> Vec<u64> {
        self.lists.to_vec()
    }

    #[public_method(compute)]
    fn double(number: u64) -> u64 {
        2 * number
    }

    #[on_start]
    fn start(&mut self) {
        self.lists[0] = 7;
    }
}

#[tokio::test]
async fn a_generic_service_has_one_client_and_one_set_of_messages() {
    let memory = || Catalog { store: Memory::default(), lists: [1, 2] };
    let server = testing::start(Server::new(memory).tokens(|token: &str| token == "secret"));
    let service: ServiceRef<Catalog<Memory, 2>> = server.service();
    let catalog: CatalogClient = service.as_caller(Caller::named("anna")).client();
    assert_eq!(catalog.put(1, "tea".to_owned()).await.unwrap(), 2);
    assert_eq!(catalog.get(1).await.unwrap(), "tea");
    let missing = catalog.get(2).await;
    assert!(matches!(missing, Err(ClientError::Method(CatalogError::NoSuchProduct { id: 2 }))));
    assert_eq!(catalog.lists().await.unwrap(), [7, 2]);
    assert_eq!(service.call(Catalog_Double { number: 4 }).await, Ok(8));

    let request = json!({ "jsonrpc": "2.0", "method": "put", "params": { "id": 3 }, "id": 1 });
    assert_eq!(server.with_token("secret").rpc(&request)["result"], json!(2));
    assert_eq!(catalog.get(3).await.unwrap(), "unnamed");
}

#[tokio::test]
async fn another_state_serves_the_same_client() {
    let server = testing::start(Server::new(|| Catalog { store: Fixed, lists: [0; 1] }).tokens(|_: &str| true));
    let catalog: CatalogClient = server.service::<Catalog<Fixed, 1>>().client();
    assert_eq!(catalog.get(9).await.unwrap(), "product 9");
}
