//! The types of a typed batch: from a tuple of messages to a tuple of their results.
//!
//! Adding a call to a batch appends an element to the tuple (`TuplePush`). Each element is a
//! message or a list of messages (`BatchElement`). After the batch is sent, the tuple takes its
//! results one after the other (`BatchTuple`) and gives each its type.

use std::any::Any;
use std::marker::PhantomData;

use crate::message::Message;

use crate::client_error::ClientError;
use crate::response::RawResult;
use crate::stream::Feed;
use crate::typed_client::{ClientOutput, of_method};

/// The result of one call, which does not have its type yet.
pub(crate) enum BatchResult {
    /// `feed` is where the items arrive, if the method is a subscription.
    Remote {
        result: RawResult,
        feed: Option<Feed>,
    },
    Local(LocalResult),
}

/// The result of a call within the process. The output is the type of the method, erased.
pub(crate) type LocalResult = Result<Box<dyn Any + Send>, ClientError>;

/// The results of a batch, in the order of its calls.
pub struct BatchResults {
    results: std::vec::IntoIter<BatchResult>,
    /// The number of results for each element of the tuple.
    counts: std::vec::IntoIter<usize>,
}

impl BatchResults {
    pub(crate) fn new(results: Vec<BatchResult>, counts: Vec<usize>) -> Self {
        Self { results: results.into_iter(), counts: counts.into_iter() }
    }

    fn next<M: Message<Output: ClientOutput>>(&mut self) -> Result<M::Output, ClientError<M::Error>> {
        let missing = || ClientError::bad_response("the response is missing");
        let result = match self.results.next() {
            Some(BatchResult::Remote { result, feed }) => M::Output::of_result(result, feed),
            Some(BatchResult::Local(Ok(output))) => output.downcast().map(|output| *output).map_err(|_| missing()),
            Some(BatchResult::Local(Err(error))) => Err(error),
            None => Err(missing()),
        };
        result.map_err(of_method::<M>)
    }
}

impl std::fmt::Debug for BatchResults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchResults").field("left", &self.results.len()).finish()
    }
}

/// The element that [`TypedBatch::add_all`](super::TypedBatch::add_all) adds: any number of
/// messages of one type.
#[derive(Debug)]
pub struct MessageList<M>(PhantomData<fn() -> M>);

/// One element of a batch: a message, or a [`MessageList`] of several.
pub trait BatchElement {
    /// The result of the message, or a list of the results.
    type Result;

    #[doc(hidden)]
    fn take(results: &mut BatchResults) -> Self::Result;
}

impl<M: Message<Output: ClientOutput>> BatchElement for M {
    type Result = Result<M::Output, ClientError<M::Error>>;

    fn take(results: &mut BatchResults) -> Self::Result {
        results.counts.next();
        results.next::<M>()
    }
}

impl<M: Message<Output: ClientOutput>> BatchElement for MessageList<M> {
    type Result = Vec<Result<M::Output, ClientError<M::Error>>>;

    fn take(results: &mut BatchResults) -> Self::Result {
        let count = results.counts.next().unwrap_or_default();
        (0..count).map(|_| results.next::<M>()).collect()
    }
}

/// A tuple of the calls of a batch. Do not implement it by hand.
pub trait BatchTuple {
    /// The tuple of the results.
    type Results;

    #[doc(hidden)]
    fn take(results: BatchResults) -> Self::Results;
}

/// A tuple of fewer than sixteen elements. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "a batch has at most sixteen elements: add calls of one type with `add_all`, or send a second batch"
)]
pub trait TuplePush {
    /// The tuple with one more element at the end.
    type With<T>;
}

macro_rules! tuples {
    ($($first:ident $($more:ident)*)?) => {
        tuples!(@take $($first $($more)*)?);
        $(
            tuples!(@push $($more)*);
            tuples!($($more)*);
        )?
    };
    (@take $($element:ident)*) => {
        impl<$($element: BatchElement),*> BatchTuple for ($($element,)*) {
            type Results = ($($element::Result,)*);

            // The empty tuple takes no results, so these lints apply to it.
            #[allow(unused_mut, unused_variables, clippy::unused_unit)]
            fn take(mut results: BatchResults) -> Self::Results {
                ($($element::take(&mut results),)*)
            }
        }
    };
    (@push $($element:ident)*) => {
        impl<$($element),*> TuplePush for ($($element,)*) {
            type With<T> = ($($element,)* T,);
        }
    };
}

tuples!(P O N M L K J I H G F E D C B A);
