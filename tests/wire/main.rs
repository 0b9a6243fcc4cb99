//! The wire of JSON-RPC: requests, responses, batches, dialects and tokens. `tests/http` has what is
//! about HTTP itself.

mod access;
mod batches;
mod bodies;
mod calculator;
mod codes;
mod dialects;
mod differential;
mod large;
mod large_batches;
mod late;
mod limits;
mod numbers;
mod params;
mod rest;
mod seeds;
mod series;
mod specs;
mod tokens;
mod values;
mod wide;
