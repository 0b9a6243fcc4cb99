//! The shop as a whole: its services together, its pages, and its programs.

mod crash;
mod end_to_end;
mod orders;
mod pages;
mod readme;
mod shop;
