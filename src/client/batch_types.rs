//! What a typed batch is answered, as types: a tuple of messages becomes one of results.

use std::any::Any;
use std::marker::PhantomData;

use crate::service::Message;

use super::answer::{self, Outcome};
use super::error::ClientError;
use super::typed_client::{ClientOutput, of_method};

/// One answer, not yet of its type.
pub(super) enum Answer {
    Remote(Outcome),
    Local(InProcess),
}

/// An output that is still in a type of its own.
pub(super) type InProcess = Result<Box<dyn Any + Send>, ClientError>;

/// The answers of a batch, in the order in which they were asked for.
pub struct Answers {
    answers: std::vec::IntoIter<Answer>,
    /// How many belong to each element of the tuple.
    counts: std::vec::IntoIter<usize>,
}

impl Answers {
    pub(super) fn new(answers: Vec<Answer>, counts: Vec<usize>) -> Self {
        Self { answers: answers.into_iter(), counts: counts.into_iter() }
    }

    fn next<M: Message<Output: ClientOutput>>(&mut self) -> Result<M::Output, ClientError<M::Error>> {
        let missing = || ClientError::bad_answer("there is none");
        let answer = match self.answers.next() {
            Some(Answer::Remote(outcome)) => answer::value(outcome),
            Some(Answer::Local(Ok(output))) => output.downcast().map(|output| *output).map_err(|_| missing()),
            Some(Answer::Local(Err(error))) => Err(error),
            None => Err(missing()),
        };
        answer.map_err(of_method::<M>)
    }
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").field("left", &self.answers.len()).finish()
    }
}

/// Stands for what [`TypedBatch::add_all`](super::TypedBatch::add_all) adds: any number of messages of one type.
#[derive(Debug)]
pub struct Each<M>(PhantomData<fn() -> M>);

/// One element of what was asked: a message, or [`Each`] of several.
pub trait Slot {
    /// A result, or a list of them.
    type Answer;

    #[doc(hidden)]
    fn take(answers: &mut Answers) -> Self::Answer;
}

impl<M: Message<Output: ClientOutput>> Slot for M {
    type Answer = Result<M::Output, ClientError<M::Error>>;

    fn take(answers: &mut Answers) -> Self::Answer {
        answers.counts.next();
        answers.next::<M>()
    }
}

impl<M: Message<Output: ClientOutput>> Slot for Each<M> {
    type Answer = Vec<Result<M::Output, ClientError<M::Error>>>;

    fn take(answers: &mut Answers) -> Self::Answer {
        let count = answers.counts.next().unwrap_or_default();
        (0..count).map(|_| answers.next::<M>()).collect()
    }
}

/// A tuple of what was asked. Never implemented by hand.
pub trait Asked {
    /// A tuple of what was answered.
    type Answers;

    #[doc(hidden)]
    fn take(answers: Answers) -> Self::Answers;
}

/// A tuple that has room for one more. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "a batch has at most sixteen calls of types of their own; `add_all` adds any number of one type"
)]
pub trait Grow {
    /// The tuple with one more element.
    type With<T>;
}

macro_rules! tuples {
    ($($first:ident $($more:ident)*)?) => {
        tuples!(@asked $($first $($more)*)?);
        $(
            tuples!(@grow $($more)*);
            tuples!($($more)*);
        )?
    };
    (@asked $($slot:ident)*) => {
        impl<$($slot: Slot),*> Asked for ($($slot,)*) {
            type Answers = ($($slot::Answer,)*);

            // For the empty tuple there is nothing to take.
            #[allow(unused_mut, unused_variables, clippy::unused_unit)]
            fn take(mut answers: Answers) -> Self::Answers {
                ($($slot::take(&mut answers),)*)
            }
        }
    };
    (@grow $($slot:ident)*) => {
        impl<$($slot),*> Grow for ($($slot,)*) {
            type With<T> = ($($slot,)* T,);
        }
    };
}

tuples!(P O N M L K J I H G F E D C B A);
