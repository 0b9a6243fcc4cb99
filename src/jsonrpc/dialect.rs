//! Stand-in.

/// The shape of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    JsonRpc,
    PyMicroservice,
    Gemstone,
}
