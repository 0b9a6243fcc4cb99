//! The console: its page and its stream over HTTP, and what it does in a browser.

mod browser;
mod pages;
mod service;
mod shapes;
mod stream;
