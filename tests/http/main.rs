//! Servers as their HTTP clients see them: rejections, clients that leave or misbehave, what a
//! method learns of its request, sites around a service, and many callers at once.

mod clients;
mod context;
mod framing;
mod load;
mod middleware;
mod refusals;
mod service;
mod sites;
mod status;
