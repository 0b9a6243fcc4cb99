//! Systems of services: generic services, APIs apart from their services, and services that call
//! each other.

mod api;
mod generic;
mod life;
mod lost;
mod references;
mod remotes;
