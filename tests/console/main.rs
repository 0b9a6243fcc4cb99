//! The console: its page and its WebSocket, and what it does in a browser. And the page of an
//! example.

mod browser;
mod pages;
mod service;
mod shapes;
mod socket;
