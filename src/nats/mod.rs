//! Calls over NATS: the same services in any number of instances.
//!
//! A thin transport over `dispatch`. It runs on the thread of the connection, which the client
//! crate has. A message is a call of one method: its payload are the parameters, and that of its
//! reply is the result.
//!
//! - [`serving`] begins and ends all of it. [`front`] is what all messages need.
//! - [`member`] takes the calls of one method, as a member of its group, and leaves it without
//!   losing one. [`group`] decides that by the load, which [`load`] exchanges with the others.
//! - [`call`] answers one message, [`headers`] are those of the message, and [`reply`] sends the
//!   reply. [`events`] are calls with more than a reply.
//! - [`open_calls`] are those under way, and [`control`] has messages about them. [`pauses`] knows
//!   which messages may be too old.
//! - [`discovery`] tells others which services there are.

mod call;
mod control;
mod discovery;
mod events;
mod front;
mod group;
mod headers;
mod load;
mod member;
mod open_calls;
mod pauses;
mod reply;
mod serving;

pub(crate) use serving::{NatsService, NatsServing, ServingParts};
