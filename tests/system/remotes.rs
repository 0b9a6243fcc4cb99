//! Services in other processes: where they are is configuration.

use std::io::{Write, copy};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use callbox::client::{Client, ClientError};
use callbox::{CallContext, RpcError, Server, service, testing};

#[derive(Default)]
struct Rates;

#[service(name = "rates", namespace = "rates")]
impl Rates {
    /// Needs the token of a service.
    #[private_api_method]
    fn of(&self, currency: String) -> Result<u64, RpcError> {
        if currency.is_empty() { Err(RpcError::new(404, "No such currency")) } else { Ok(currency.len() as u64) }
    }

    #[public_method]
    fn remaining(&self, call: &CallContext) -> u64 {
        call.remaining().as_millis() as u64
    }

    #[public_method]
    fn request(&self, call: &CallContext) -> String {
        call.request_id().to_owned()
    }

    #[public_method]
    async fn back(&self, bank: &BankClient) -> Result<u64, RpcError> {
        bank.plain().await.map_err(|error| of_server(&error))
    }

    #[public_method]
    async fn tell_back(&self, bank: &BankClient) -> bool {
        bank.notify(bank.plain()).await.is_ok()
    }
}

#[derive(Default)]
struct Bank;

#[service(name = "bank", namespace = "bank")]
impl Bank {
    #[public_method]
    async fn change(&self, rates: &RatesClient, currency: String) -> Result<u64, RpcError> {
        rates.of(currency).await.map_err(|error| of_server(&error))
    }

    #[public_method(deadline = "5s")]
    async fn remaining(&self, rates: &RatesClient) -> u64 {
        rates.remaining().await.unwrap()
    }

    #[public_method]
    async fn request(&self, call: &CallContext, rates: &RatesClient) -> bool {
        rates.request().await.unwrap() == call.request_id()
    }

    #[public_method]
    fn plain(&self) -> u64 {
        7
    }

    #[public_method]
    async fn circle(&self, rates: &RatesClient) -> Result<u64, RpcError> {
        rates.back().await.map_err(|error| of_server(&error))
    }

    #[public_method]
    async fn no_circle(&self, rates: &RatesClient) -> bool {
        rates.tell_back().await.unwrap()
    }
}

fn of_server(error: &ClientError) -> RpcError {
    match error.rpc_error() {
        Some(error) => error.clone(),
        None => RpcError::new(1, error.to_string()),
    }
}

/// A port that is known before the server behind it has started.
struct Forwarder {
    address: SocketAddr,
    to: Arc<OnceLock<SocketAddr>>,
}

impl Forwarder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, to) = (listener.local_addr().unwrap(), Arc::new(OnceLock::new()));
        let target = Arc::clone(&to);
        std::thread::spawn(move || {
            for incoming in listener.incoming() {
                let Some(target) = target.get() else { continue };
                let (here, there) = (incoming.unwrap(), TcpStream::connect(target).unwrap());
                let (mut from, mut into) = (here.try_clone().unwrap(), there.try_clone().unwrap());
                std::thread::spawn(move || copy(&mut from, &mut into).and_then(|_| into.flush()));
                let (mut from, mut into) = (there, here);
                std::thread::spawn(move || copy(&mut from, &mut into));
            }
        });
        Self { address, to }
    }

    fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }
}

/// Both services, each in a server of its own. The bank has a token for the rates.
fn both() -> (testing::TestServer, testing::TestServer) {
    let (to_bank, to_rates) = (Forwarder::start(), Forwarder::start());
    let rates = Server::new(Rates::default).tokens(|token: &str| token == "service-token");
    let rates = testing::start(rates.remote("bank", &to_bank.url()));
    to_rates.to.set(rates.address()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "service-token\n").unwrap();
    let bank = Server::new(Bank::default).remote("rates", &to_rates.url()).service_token(file.path());
    let bank = testing::start(bank);
    to_bank.to.set(bank.address()).unwrap();
    (bank, rates)
}

#[test]
fn a_service_is_called_the_same_way_in_another_process() {
    let (bank, rates) = both();
    assert_eq!(bank.call(Bank_Change { currency: "euro".to_owned() }), Ok(4), "with the token of the server");
    assert_eq!(bank.call(Bank_Change { currency: String::new() }).unwrap_err().code(), 404);
    assert_eq!(rates.call(Rates_Of { currency: "euro".to_owned() }).unwrap_err().code(), -32001, "without it");
}

#[test]
fn deadline_and_request_travel_with_a_call() {
    let (bank, _rates) = both();
    let remaining = bank.call(Bank_Remaining {}).unwrap();
    assert!((3000..=5000).contains(&remaining), "{remaining} ms of 5 s");
    let brief = bank.with_token("").with_header("Request-Timeout", "2").call(Bank_Remaining {}).unwrap();
    assert!(brief <= 2000, "{brief} ms of 2 s");
    assert_eq!(bank.call(Bank_Request {}), Ok(true));
}

#[test]
fn a_circle_of_waiting_is_refused_across_processes() {
    let (bank, rates) = both();
    assert_eq!(rates.call(Rates_Back {}), Ok(7), "alone it is no circle");
    let began = std::time::Instant::now();
    assert_eq!(bank.call(Bank_Circle {}).unwrap_err().code(), -32603);
    assert!(began.elapsed() < Duration::from_secs(20), "it does not wait for a deadline");
    assert_eq!(bank.call(Bank_NoCircle {}), Ok(true), "nobody waits for a notification");
}

/// Both services, and the bank calls the rates over a WebSocket, which lives in this runtime.
fn both_with_a_websocket() -> (testing::TestServer, testing::TestServer, tokio::runtime::Runtime) {
    let to_bank = Forwarder::start();
    let rates = Server::new(Rates::default).tokens(|token: &str| token == "service-token");
    let rates = testing::start(rates.remote("bank", &to_bank.url()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let socket = Client::connect(rates.url("/api").replace("http://", "ws://"));
    let client = RatesClient::from(runtime.block_on(socket).unwrap());
    let bank = testing::start(Server::new(Bank::default).with_client(client));
    to_bank.to.set(bank.address()).unwrap();
    (bank, rates, runtime)
}

#[test]
fn deadline_request_and_circles_are_the_same_over_a_websocket() {
    let (bank, _rates, _runtime) = both_with_a_websocket();
    // The method of the rates has 30 s, and the one that calls it 5 s.
    let remaining = bank.call(Bank_Remaining {}).unwrap();
    assert!(remaining <= 5000, "{remaining} ms of 5 s");
    let brief = bank.with_header("Request-Timeout", "2").call(Bank_Remaining {}).unwrap();
    assert!(brief <= 2000, "{brief} ms of 2 s");
    assert_eq!(bank.call(Bank_Request {}), Ok(true));
    let began = std::time::Instant::now();
    assert_eq!(bank.call(Bank_Circle {}).unwrap_err().code(), -32603);
    assert!(began.elapsed() < Duration::from_secs(20), "it does not wait for a deadline");
    assert_eq!(bank.call(Bank_NoCircle {}), Ok(true), "nobody waits for a notification");
}

#[test]
fn a_chain_that_somebody_makes_up_hurts_only_their_own_call() {
    let (bank, _rates) = both();
    // Clients of callbox send the chain beside the time that is left; alone it is not read.
    let liar = |chain: &str| bank.with_header("Request-Timeout", "5").with_header("Callbox-Chain", chain);
    let liar = |chain: &str| liar(chain).call(Bank_Plain {});
    assert_eq!(bank.with_header("Callbox-Chain", "bank").call(Bank_Plain {}), Ok(7));
    assert_eq!(liar("bank").unwrap_err().code(), -32603);
    for chain in ["", "elsewhere", "ban", "%", "a,,b", &"x,".repeat(1000), &"x".repeat(6000)] {
        assert_eq!(liar(chain), Ok(7), "{chain}");
    }
    assert_eq!(bank.call(Bank_Plain {}), Ok(7));
}

fn start_error(server: Server) -> String {
    actix::System::new().block_on(server.launch()).expect_err("it must not start").to_string()
}

#[test]
fn a_remote_that_cannot_be_used_stops_the_start() {
    let bank = || Server::new(Bank::default);
    let elsewhere =
        start_error(bank().remote("rates", "http://127.0.0.1:1/api").remote("bank", "http://127.0.0.1:1/api"));
    assert!(elsewhere.starts_with("the service `bank` is in this server, and elsewhere as well"), "{elsewhere}");
    let malformed = start_error(bank().remote("rates", "10.0.0.7/api"));
    assert!(malformed.contains("remote") && malformed.contains("http://10.0.0.7:5000/api"), "{malformed}");
    let no_token = start_error(bank().remote("rates", "http://127.0.0.1:1/api").service_token("/no/such/file"));
    assert!(no_token.starts_with("cannot read the service token in /no/such/file"), "{no_token}");
}
