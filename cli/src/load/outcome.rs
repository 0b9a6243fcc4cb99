//! What can become of a call.

use std::fmt;

/// What became of a call, in the order of a table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was answered with a result.
    Result,
    /// It was answered with an error of this code.
    Error(i64),
    /// It was answered with an error of one code too many.
    OtherError,
    /// It was answered, with this HTTP status, and not by JSON-RPC.
    Status(u16),
    /// No connection could be had for it.
    NoConnection,
    /// Its connection ended before an answer was there.
    ConnectionLost,
    /// It was sent, and had no answer when the run was over.
    TimedOut,
    /// It was due, and no connection was free for it until the run was over.
    NotSent,
}

impl Outcome {
    /// Whether the server said anything to it.
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

/// What a server of callbox says with a code of the wire.
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
