//! The wire of JSON-RPC: requests, responses, batches, dialects and tokens. `tests/http` has what
//! concerns HTTP itself.

mod access;
mod batch_series;
mod batches;
mod bodies;
mod builtin_methods;
mod calculator;
mod dialects;
mod differential;
mod error_codes;
mod fair_shares;
mod large_batches;
mod large_params;
mod late_results;
mod limits;
mod numbers;
mod param_paths;
mod params;
mod rest_params;
mod seeds;
mod tokens;
mod trusted_proxies;
mod values;
mod wide_integers;
