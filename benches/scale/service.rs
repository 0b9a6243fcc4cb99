//! Services with many methods. They are written by hand, because each method of the macro needs its
//! own name in the source.

use callbox::{Handler, Handles, Message, MethodOptions, MethodTable, RpcError, Service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number of methods of the largest service.
pub(crate) const MAX_METHODS: usize = 64;

/// The message of method number `N`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct NumberedMethod<const N: usize> {}

impl<const N: usize> NumberedMethod<N> {
    /// The digits of the number.
    const DIGITS: [u8; 3] = [digit(N, 100), digit(N, 10), digit(N, 1)];
}

const fn digit(number: usize, place: usize) -> u8 {
    b'0' + (number / place % 10) as u8
}

const fn text(digits: &'static [u8]) -> &'static str {
    match str::from_utf8(digits) {
        Ok(text) => text,
        Err(_) => panic!("digits are text"),
    }
}

impl<const N: usize> Message for NumberedMethod<N> {
    type Output = bool;
    type Error = RpcError;
    const NAME: &'static str = text(&Self::DIGITS);
    const PARAMS: &'static [&'static str] = &[];
}

/// Defines a service with the methods of these numbers, in its own namespace for each `INDEX`.
macro_rules! service {
    ($(#[$doc:meta])* $name:ident: $($number:literal)*) => {
        $(#[$doc])*
        pub(crate) struct $name<const INDEX: usize>;

        $(impl<const INDEX: usize> Handles<NumberedMethod<$number>> for $name<INDEX> {
            const HANDLER: Handler<Self, NumberedMethod<$number>> = Handler::Read(|_, _, _| Ok(true));
        })*

        impl<const INDEX: usize> Service for $name<INDEX> {
            const NAME: &'static str = NAMESPACES[INDEX];
            const NAMESPACE: Option<&'static str> = Some(NAMESPACES[INDEX]);

            fn methods(table: &mut impl MethodTable<Self>) {
                $(table.add::<NumberedMethod<$number>>(MethodOptions::public());)*
            }
        }
    };
}

/// The namespaces of several services in one server.
pub(crate) const NAMESPACES: [&str; 16] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];

service!(
    /// One method.
    One: 0
);
service!(
    /// Eight methods.
    Eight: 0 1 2 3 4 5 6 7
);
service!(
    /// Sixty-four methods.
    SixtyFour: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
);
