//! Close codes, and the errors that end a connection with one.

use thiserror::Error;

/// The code of a close frame, which says why a connection ends (RFC 6455, 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CloseCode(u16);

impl CloseCode {
    /// The connection has done what it was opened for.
    #[cfg(test)]
    pub(crate) const NORMAL: Self = Self(1000);
    /// The server stops, or the page of the client was left.
    pub(crate) const GOING_AWAY: Self = Self(1001);
    /// The peer broke a rule of the protocol.
    pub(crate) const PROTOCOL_ERROR: Self = Self(1002);
    /// The peer sent a type of message that is not accepted.
    pub(crate) const UNSUPPORTED_DATA: Self = Self(1003);
    /// A text is not UTF-8.
    pub(crate) const INVALID_TEXT: Self = Self(1007);
    /// A message is larger than the limit.
    pub(crate) const TOO_LARGE: Self = Self(1009);

    pub(crate) const fn get(self) -> u16 {
        self.0
    }

    /// Returns the code, if a peer may send it. Some codes only exist for reports to a program,
    /// such as 1006 for a connection without a close frame.
    fn from_peer(code: u16) -> Option<Self> {
        // 1012 to 1014 are in the registry of IANA. 3000 and above are for libraries and programs.
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999).then_some(Self(code))
    }
}

/// A mistake of the client, after which its connection is closed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{reason} ({})", code.get())]
pub(crate) struct ProtocolError {
    /// The code of the close frame to send.
    pub(crate) code: CloseCode,
    /// The reason, for the close frame and for the log. It is shorter than 123 bytes, which fits
    /// into a close frame.
    pub(crate) reason: &'static str,
}

impl ProtocolError {
    /// Returns the error of a rule of the protocol that was broken.
    pub(super) const fn broken_rule(reason: &'static str) -> Self {
        Self { code: CloseCode::PROTOCOL_ERROR, reason }
    }

    pub(super) const fn not_utf8() -> Self {
        Self { code: CloseCode::INVALID_TEXT, reason: "the text is not UTF-8" }
    }

    pub(super) const fn binary() -> Self {
        Self { code: CloseCode::UNSUPPORTED_DATA, reason: "binary messages are not accepted: send calls as text" }
    }

    pub(super) const fn too_large() -> Self {
        Self { code: CloseCode::TOO_LARGE, reason: "the message is larger than the server's setting body_limit" }
    }
}

/// Parses the payload of a close frame. Returns its code, if it has one.
///
/// # Errors
/// If the code is missing or may not be sent, or if the reason is not UTF-8.
pub(super) fn parse(payload: &[u8]) -> Result<Option<CloseCode>, ProtocolError> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return match payload {
            [] => Ok(None),
            _ => Err(ProtocolError::broken_rule("a close frame has half a code")),
        };
    };
    let code = CloseCode::from_peer(u16::from_be_bytes(*code))
        .ok_or(ProtocolError::broken_rule("a close frame has a code that may not be sent"))?;
    str::from_utf8(reason).map_err(|_| ProtocolError::not_utf8())?;
    Ok(Some(code))
}
