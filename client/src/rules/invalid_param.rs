//! Why a parameter is not valid.

use std::fmt::{self, Display};

use crate::rpc_error::RpcError;

/// Maximum length of a path, in bytes.
pub(crate) const MAX_PATH_BYTES: usize = 190;

/// Why a parameter is not valid, and where in it: what a function for `#[param(validate = …)]`
/// returns, and [`Message::validate`](crate::Message::validate).
///
/// Callers receive it as -32602, with `{"param":"product.dimensions","reason":"…"}` as its data.
/// A text is the reason for the value as a whole.
///
/// ```
/// use callbox::InvalidParam;
///
/// struct Dimensions { width: u32, height: u32 }
///
/// fn has_area(dimensions: &Dimensions) -> Result<(), InvalidParam> {
///     match dimensions {
///         Dimensions { width: 0, .. } => Err(InvalidParam::at("width", "must not be 0")),
///         Dimensions { height: 0, .. } => Err(InvalidParam::at("height", "must not be 0")),
///         Dimensions { width, height } if height > width => Err("must not be upright".into()),
///         _ => Ok(()),
///     }
/// }
///
/// assert_eq!(
///     has_area(&Dimensions { width: 3, height: 0 }).unwrap_err().to_string(),
///     "height: must not be 0",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidParam {
    /// The path within the value; empty for the value itself.
    path: String,
    reason: String,
}

impl InvalidParam {
    /// Returns the error of the value at this path within the parameter, `dimensions.width` or
    /// `items[3].price`. The reason completes a sentence about it: "must not be empty".
    pub fn at(path: impl Display, reason: impl Display) -> Self {
        Self { path: path.to_string(), reason: reason.to_string() }
    }

    /// Returns the error of the value as a whole.
    pub(super) fn new(reason: impl Display) -> Self {
        Self::at("", reason)
    }

    /// Returns the same error of a value that has this one as its element.
    pub(super) fn in_element(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }

    /// Returns the same error of a value that has this one as its member.
    pub(super) fn in_member(self, name: &str) -> Self {
        self.within(&member_text(name))
    }

    /// Returns the same error, with the name of the parameter.
    pub(super) fn in_param(self, name: &str) -> Self {
        self.within(name)
    }

    fn within(self, step: &str) -> Self {
        let Self { path, reason } = self;
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        Self { path: format!("{step}{dot}{path}"), reason }
    }
}

/// Returns a member as it is written at the start of a path: as a string in brackets if its name
/// has other characters than letters, digits, `_` and `-`.
pub(crate) fn member_text(name: &str) -> String {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    // `Value` writes a string as JSON.
    if is_plain { name.to_owned() } else { format!("[{}]", serde_json::Value::from(name)) }
}

impl Display for InvalidParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for InvalidParam {}

impl From<&str> for InvalidParam {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl From<String> for InvalidParam {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}

impl From<InvalidParam> for RpcError {
    fn from(InvalidParam { mut path, reason }: InvalidParam) -> Self {
        path.truncate(path.floor_char_boundary(MAX_PATH_BYTES));
        Self::invalid_params(Some(path.as_str()).filter(|path| !path.is_empty()), &reason)
    }
}
