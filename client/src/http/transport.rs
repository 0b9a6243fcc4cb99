//! The transport: from a body to its response, and to what comes besides it.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::progress::ProgressSlot;
use crate::request::BodyShape;
use crate::response;
use crate::stream::{CallStreams, Feed, FeedStart, Frame, Handoff, ProgressNotice, ResponseId};
use crate::transport::{DynTransport, TransportError, TransportRequest, TransportResponse};

use super::event_items::{NO_EVENTS, items};
use super::event_reader::{EventReader, ReadError};
use super::post::{Endpoint, Post, Received};

/// Posts bodies to one URL.
pub(super) struct HttpTransport(pub(super) Arc<Endpoint>);

/// The response to a call, and the messages that follow it.
pub(super) struct Answer {
    pub(super) response: TransportResponse,
    pub(super) events: Option<Box<EventReader>>,
}

impl DynTransport for HttpTransport {
    fn send_boxed(&self, request: TransportRequest) -> BoxFuture<'_, Result<TransportResponse, TransportError>> {
        Box::pin(self.send(request))
    }

    fn has_streams(&self, shape: BodyShape) -> bool {
        shape == BodyShape::Single
    }

    fn open_feed(&self, start: FeedStart) -> Option<(Feed, CallStreams)> {
        Some(Handoff::open(start))
    }
}

impl HttpTransport {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let TransportRequest { body, token, timeout, chain, request_id, trace, ids, streams, .. } = request;
        let post = Post { body, token, timeout, chain, request_id, trace, takes_events: !streams.is_empty() };
        match ids.calls.first() {
            Some(call) if post.takes_events => self.send_for_events(post, *call, streams).await,
            _ => match self.0.post(post).await? {
                Received::Body(response) => Ok(response),
                Received::Events(_) => Err(TransportError::bad_response("it is a stream of events")),
            },
        }
    }

    async fn send_for_events(
        &self,
        post: Post,
        call: u64,
        streams: CallStreams,
    ) -> Result<TransportResponse, TransportError> {
        // The services that wait for the call do not wait for the items.
        let again = Post { body: Vec::new(), chain: None, ..post.clone() };
        let Answer { response, events } = answer_to(&self.0, post, call, streams.progress.as_deref()).await?;
        if let Some(handoff) = streams.items
            && response::of_object(response.text()).is_ok()
        {
            let subscription = &handoff.subscription;
            match events {
                Some(reader) => handoff.put(items(Arc::clone(&self.0), again, Arc::clone(subscription), reader)),
                None if subscription.start.is_subscription => return Err(TransportError::bad_response(NO_EVENTS)),
                // It was a plain call.
                None => {}
            }
        }
        Ok(response)
    }
}

/// Posts a call, and waits for its response. Reports of the progress that come before it go into
/// the slot.
pub(super) async fn answer_to(
    endpoint: &Endpoint,
    post: Post,
    call: u64,
    progress: Option<&ProgressSlot>,
) -> Result<Answer, TransportError> {
    let mut reader = match endpoint.post(post).await? {
        Received::Body(response) => return Ok(Answer { response, events: None }),
        Received::Events(reader) => reader,
    };
    loop {
        let message = reader.next().await.map_err(|error| match error {
            ReadError::Cut(cause) => TransportError::lost(cause.to_string()),
            ReadError::Malformed(cause) => TransportError::bad_response(cause.to_string()),
        })?;
        match Frame::parse(&message).map_err(|cause| TransportError::bad_response(cause.to_string()))? {
            Frame::Response(ResponseId::Call(id)) if id == call => {
                return Ok(Answer { response: TransportResponse::new(message), events: Some(reader) });
            }
            Frame::Response(ResponseId::Missing) => {
                return Ok(Answer { response: TransportResponse::new(message), events: None });
            }
            Frame::Progress(ProgressNotice { token, value }) if token == call => {
                progress.into_iter().for_each(|slot| slot.put(value.clone()));
            }
            _ => {}
        }
    }
}
