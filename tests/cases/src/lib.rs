//! The rules of the wire as data: tables of what is sent and of the response that callbox owes.
//!
//! Each table is checked more than once: the unit tests of the library check the part that
//! implements a rule by itself, the integration tests in `tests/wire` and `tests/http` check whole
//! servers, and the bench `attack` sends the same bodies under load. The seeds of the fuzz targets
//! are written from these tables, too.

pub mod params;
pub mod paths;
pub mod rejections;
pub mod wire;
