//! The settings that are one of a few names.

use std::fmt;
use std::str::FromStr;

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

/// Where calls run that are short and meet an idle service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// On the thread where they arrive, without waking another one. All other calls go to the service's own thread. The
    /// default.
    #[default]
    Inline,
    /// All calls on the service's own thread, as with a plain actor.
    Actor,
}

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

/// The shape of the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// JSON-RPC 2.0.
    #[default]
    Jsonrpc,
    /// What the first README of pymicroservice shows.
    Pymicroservice,
    /// What pymicroservice 0.1.0 and gemstone 0.12 send.
    Gemstone,
}

names!(Dialect { "jsonrpc" = Jsonrpc, "pymicroservice" = Pymicroservice, "gemstone" = Gemstone });
