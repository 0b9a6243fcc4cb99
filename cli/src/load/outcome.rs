//! The outcome of a call.

use std::fmt;

/// The outcome of a call, in the order of the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The response is a result.
    Result,
    /// The response is an error with this code.
    Error(i64),
    /// The response is an error, and too many other codes have been counted already.
    OtherError,
    /// The response has this HTTP status and is not JSON-RPC.
    Status(u16),
    /// No connection could be opened for the call.
    NoConnection,
    /// The connection was closed before the response arrived.
    ConnectionLost,
    /// The call was sent, and had no response at the end of the run.
    TimedOut,
    /// The call was due, and no connection became free for it until the end of the run.
    NotSent,
}

impl Outcome {
    /// Whether the server responded at all.
    pub fn is_answer(self) -> bool {
        matches!(self, Self::Result | Self::Error(_) | Self::OtherError | Self::Status(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Result => "result".to_owned(),
            Self::Error(code) => match message(*code) {
                Some(message) => format!("{code} {message}"),
                None => format!("error {code}"),
            },
            Self::OtherError => "errors of other codes".to_owned(),
            Self::Status(status) => format!("HTTP {status}, no JSON-RPC"),
            Self::NoConnection => "no connection".to_owned(),
            Self::ConnectionLost => "connection lost".to_owned(),
            Self::TimedOut => "no answer in time".to_owned(),
            Self::NotSent => "never sent".to_owned(),
        };
        f.pad(&text)
    }
}

/// Returns the message that a callbox server sends with a standard error code.
fn message(code: i64) -> Option<&'static str> {
    Some(match code {
        -32700 => "Parse error",
        -32600 => "Invalid Request",
        -32601 => "Method not found",
        -32602 => "Invalid params",
        -32603 => "Internal error",
        -32000 => "Server busy",
        -32001 => "Access denied",
        -32002 => "Deadline exceeded",
        -32003 => "Service unavailable",
        -32004 => "Response too large",
        _ => return None,
    })
}
