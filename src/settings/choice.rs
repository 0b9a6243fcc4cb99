//! The settings that are one of a few names.

use std::fmt;
use std::str::FromStr;

use crate::engine::Placement;

/// Gives an enum its `FromStr` and `Display` from one list of names.
macro_rules! names {
    ($type:ident { $($name:literal = $variant:ident),+ $(,)? }) => {
        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(UnknownName),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $name,)+
                })
            }
        }
    };
}

/// A name that none of the values has.
#[derive(Debug)]
pub struct UnknownName;

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no value has this name")
    }
}

impl std::error::Error for UnknownName {}

names!(Placement { "inline" = Inline, "actor" = Actor });

/// The HTTP status of an answer that is a JSON-RPC error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpStatus {
    /// 200, as for any JSON-RPC answer. The default.
    #[default]
    Ok,
    /// One that fits the error code, for single calls in the `jsonrpc` dialect: 401 for -32001, 404 for -32601, 503 for
    /// -32000 and so on.
    Mapped,
}

names!(HttpStatus { "ok" = Ok, "mapped" = Mapped });
