//! Enums whose values users write by name, in settings and elsewhere.

use std::fmt;

/// Implements `FromStr`, `Display` and `ALL`, the list of all names and values, for an enum.
macro_rules! choice {
    ($type:ident, $what:literal { $($name:literal = $variant:ident),+ $(,)? }) => {
        impl $type {
            pub(crate) const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$variant)),+];
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let named = Self::ALL.iter().find(|(own, _)| *own == name);
                let unknown = || $crate::UnknownName::new($what, name, Self::ALL.iter().map(|(own, _)| *own));
                named.map(|(_, value)| *value).ok_or_else(unknown)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self {
                    $(Self::$variant => $name,)+
                })
            }
        }
    };
}

/// The error of parsing an enum from a name that none of its values has.
///
/// ```
/// use callbox::Dialect;
///
/// let error = "xml".parse::<Dialect>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown dialect `xml`: use jsonrpc, pymicroservice or gemstone");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    given: String,
    names: Vec<&'static str>,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, given: &str, names: impl Iterator<Item = &'static str>) -> Self {
        Self { what, given: given.to_owned(), names: names.collect() }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}`: use ", self.what, self.given)?;
        match &self.names[..] {
            [first @ .., last] if !first.is_empty() => write!(f, "{} or {last}", first.join(", ")),
            names => f.write_str(&names.concat()),
        }
    }
}

impl std::error::Error for UnknownName {}
