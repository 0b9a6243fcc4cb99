//! The service: its fields are the state, its methods the API.

use callbox::{RpcError, service};

/// Largest limit that is allowed: the sieve takes a byte for each number.
const LARGEST: u32 = 100_000_000;

/// The reasons why a computation is rejected.
#[derive(Debug, RpcError)]
pub enum ComputeError {
    /// It would take too much memory.
    #[rpc(code = 422, message = "The limit is {limit}, and {largest} at most")]
    TooLarge {
        /// The requested limit.
        limit: u32,
        /// The largest limit that is allowed.
        largest: u32,
    },
}

/// Computes on the worker pool, and counts the pings in its state.
#[derive(Debug, Default)]
pub struct Primes {
    pings: u64,
}

#[service(name = "example.compute")]
impl Primes {
    /// Responds at once, even while something is being computed.
    #[public_method]
    pub fn ping(&mut self) -> String {
        self.pings += 1;
        "pong".to_owned()
    }

    /// Returns how many primes there are up to `limit`. It takes no `self`, so it runs on the
    /// worker pool.
    #[public_method(compute)]
    pub fn primes_up_to(limit: u32) -> Result<u64, ComputeError> {
        if limit > LARGEST {
            return Err(ComputeError::TooLarge { limit, largest: LARGEST });
        }
        Ok(count_primes(limit as usize))
    }

    /// Returns how many pings were answered.
    #[public_method]
    pub fn count(&self) -> u64 {
        self.pings
    }

    /// Resets the number of pings. Needs a token.
    #[private_api_method]
    pub fn reset(&mut self) {
        self.pings = 0;
    }
}

/// The sieve of Eratosthenes.
fn count_primes(limit: usize) -> u64 {
    let mut composite = vec![false; limit + 1];
    let mut primes = 0;
    for number in 2..=limit {
        if composite[number] {
            continue;
        }
        primes += 1;
        for multiple in (number.saturating_mul(number)..=limit).step_by(number) {
            composite[multiple] = true;
        }
    }
    primes
}
