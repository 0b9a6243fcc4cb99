//! Servers as their HTTP clients see them: rejections, clients that leave or misbehave, sites
//! around a service, and many callers at once.

mod clients;
mod framing;
mod load;
mod refusals;
mod service;
mod sites;
mod status;
