//! The parts of the library that the fuzz targets in `fuzz/` call and that are not public
//! otherwise.
//!
//! This module exists only under `--cfg fuzzing`, which cargo-fuzz sets for all crates.

use std::borrow::Cow;
use std::ffi::OsString;

use actix_web::web::Bytes;

use crate::http::{Event, FrameReader, TextFrame, text};
use crate::jsonrpc::{
    BatchWriter, Dialect, Draft, Envelope, Id, InvalidRequest, Limits, MAX_DEPTH, ParsedRequest, RpcError, RpcRequest,
};
use crate::settings::{BuilderSettings, OwnSettings, ProgramInfo, Resolved, resolve_from};
use crate::start_error::StartError;

/// The limits that [`parse`] keeps, which are the defaults of the settings.
const LIMITS: Limits = Limits { members: MAX_MEMBERS, depth: MAX_DEPTH, id: MAX_ID_BYTES };

/// Maximum number of members of a batch.
pub const MAX_MEMBERS: usize = 100;

/// Maximum nesting depth of a request object, itself included.
pub const MAX_NESTING: usize = MAX_DEPTH;

/// Maximum length of an id, in bytes.
pub const MAX_ID_BYTES: usize = 4096;

/// A body that [`parse`] has read.
#[derive(Debug)]
pub enum FuzzBody<'a> {
    /// A body that is no array.
    Single(FuzzMember<'a>),
    /// The members of a batch, in order.
    Batch(Vec<FuzzMember<'a>>),
}

/// A member of a batch, or the whole of a body that is no batch.
pub type FuzzMember<'a> = Result<FuzzRequest<'a>, FuzzInvalidRequest<'a>>;

/// A valid request object.
#[derive(Debug)]
pub struct FuzzRequest<'a>(RpcRequest<'a>);

impl FuzzRequest<'_> {
    /// Returns the name of the method.
    pub fn method(&self) -> &Cow<'_, str> {
        &self.0.method
    }

    /// Returns the parameters as JSON, unless they are `null` or missing.
    pub fn params(&self) -> Option<&str> {
        self.0.params
    }

    /// Returns the id as JSON, unless this is a notification.
    pub fn id(&self) -> Option<&str> {
        self.0.id.map(Id::as_json)
    }

    /// Returns the error and the response of this request, as a body of its own, if its method
    /// fails with the error given. Notifications have no response.
    pub fn fail(&self, error: RpcError) -> Option<(RpcError, Vec<u8>)> {
        let mut response = Vec::new();
        let draft = Draft::reply(Dialect::Jsonrpc, self.0.id?, &self.0, &mut response);
        let error = draft.close(&mut response, Err(error))?;
        Some((error, response))
    }
}

/// A member that is no valid request object.
#[derive(Debug)]
pub struct FuzzInvalidRequest<'a>(InvalidRequest<'a>);

impl FuzzInvalidRequest<'_> {
    /// Returns the id of the response as JSON.
    pub fn id(&self) -> &str {
        self.0.id.as_json()
    }

    /// Returns the error of the response.
    pub fn error(&self) -> RpcError {
        self.0.error()
    }
}

/// Parses a body. The parameters of a single call that has at least `large` bytes are skipped until
/// the response is written.
///
/// # Errors
/// The error of the whole body.
pub fn parse(body: &[u8], large: usize) -> Result<FuzzBody<'_>, RpcError> {
    Ok(match Envelope::parse_with(body, &LIMITS, large)? {
        Envelope::Single(member) => FuzzBody::Single(wrapped(member)),
        Envelope::Batch(members) => FuzzBody::Batch(members.into_iter().map(wrapped).collect()),
    })
}

fn wrapped(member: ParsedRequest<'_>) -> FuzzMember<'_> {
    member.map(FuzzRequest).map_err(FuzzInvalidRequest)
}

/// Returns the response to a body that is rejected as a whole.
pub fn error_response(dialect: Dialect, error: &RpcError) -> Vec<u8> {
    let mut response = Vec::new();
    dialect.error(&mut response, Id::NULL, error);
    response
}

/// Returns the response of a server whose methods all return `null`, if there is one.
pub fn respond_with_null(body: &[u8], dialect: Dialect) -> Option<Vec<u8>> {
    let write_null = |member: &ParsedRequest<'_>, out: &mut Vec<u8>| {
        member.as_ref().map_err(|invalid| invalid.error())?;
        out.extend_from_slice(b"null");
        Ok(())
    };
    match Envelope::parse_with(body, &LIMITS, usize::MAX) {
        Err(error) => Some(error_response(dialect, &error)),
        Ok(Envelope::Single(member)) => {
            let mut response = Vec::new();
            let draft = Draft::open(dialect, reply_id(&member, dialect)?, &mut response);
            let outcome = write_null(&member, &mut response);
            draft.close(&mut response, outcome);
            Some(response)
        }
        Ok(Envelope::Batch(members)) => {
            let mut batch = BatchWriter::new(dialect, members.len());
            for (index, member) in members.iter().enumerate() {
                if let Some(id) = reply_id(member, dialect) {
                    batch.write(index, id, |out| Some(write_null(member, out)));
                }
            }
            batch.finish(|| unreachable!("every member has its response at once"))
        }
    }
}

fn reply_id<'a>(member: &ParsedRequest<'a>, dialect: Dialect) -> Option<Id<'a>> {
    match member {
        Ok(request) => dialect.reply_id(request),
        Err(invalid) => Some(invalid.id),
    }
}

/// Resolves settings from these flags, this environment, and the file that one of them names.
/// Returns the text of `--help`, `--version` or `--show-settings`, or `None` if the server would
/// start.
///
/// # Errors
/// The error that keeps the server from starting.
pub fn resolve_settings(
    args: impl IntoIterator<Item = OsString>,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, StartError> {
    let about = ProgramInfo { service: "fuzz", app: OwnSettings::None };
    match resolve_from(&BuilderSettings::default(), args, env, &about)? {
        Resolved::Print(text) => Ok(Some(text)),
        Resolved::Run(_) => Ok(None),
    }
}

/// What the server reads from a WebSocket.
#[derive(Clone, Debug, PartialEq)]
pub enum FuzzEvent {
    /// A whole message.
    Text(String),
    /// A ping, with its payload.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The end of what the client sends, with its code.
    Close(Option<u16>),
}

/// Reads the frames of a client, which arrive in these pieces. Messages may have at most `limit`
/// bytes. Returns the events up to a mistake, and the close code of that.
///
/// # Panics
/// If something is read after a mistake.
pub fn read_frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> (Vec<FuzzEvent>, Option<u16>) {
    let (mut reader, mut events, mut mistake) = (FrameReader::new(limit), Vec::new(), None);
    for piece in pieces {
        let mut input = Bytes::copy_from_slice(piece);
        loop {
            let event = match reader.read(&mut input) {
                Ok(None) => break,
                Ok(Some(Event::Text(text))) => FuzzEvent::Text(text),
                Ok(Some(Event::Ping(payload))) => FuzzEvent::Ping(payload),
                Ok(Some(Event::Pong)) => FuzzEvent::Pong,
                Ok(Some(Event::Close(code))) => FuzzEvent::Close(code.map(|code| code.get())),
                Err(error) => {
                    assert_eq!(mistake.replace(error.code.get()), None);
                    continue;
                }
            };
            assert_eq!(mistake, None);
            events.push(event);
        }
        assert!(input.is_empty());
    }
    (events, mistake)
}

/// Returns two frames of a server with this text: one written at once, and one that was open while
/// its payload was written.
pub fn text_frames(payload: &str) -> Vec<u8> {
    let mut out = Vec::new();
    text(&mut out, payload);
    let mut frame = TextFrame::open(&mut out);
    frame.payload().extend_from_slice(payload.as_bytes());
    frame.close();
    out
}
