//! What the macros say of mistakes. The cases stand in `tests/ui`; that they have a package of their own keeps what must be
//! compiled for them to callbox itself.
