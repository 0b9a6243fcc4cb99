//! What goes over the wire, row by row: WIRE §1–§5, §7 and §8. `tests/http.rs` has §6.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod batches;
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
mod rows;
mod seeds;
mod series;
mod specs;
mod tokens;
mod values;
mod wide;
