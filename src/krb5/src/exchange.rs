//! Running an exchange: request, reply, request, until there is a ticket or an error.

use crate::context::Context;
use crate::der::{INTEGER, Reader, SEQUENCE, context as tagged, integer};
use crate::error::{Error, KdcError, ReplyFault, code};
use crate::ntstatus;
use crate::raw::{Code, ErrorMessage, InitialExchange, Step, TicketExchange};
use std::io;

/// Sends one request to the server that the caller chose, and returns the reply; both without the length that
/// TCP puts in front. The caller bounds time and size.
pub type Exchange<'a> = dyn FnMut(&[u8]) -> io::Result<Vec<u8>> + 'a;

/// More rounds than any exchange needs (two, or three with FAST): an end for a KDC that would never come to one.
const MOST_ROUNDS: usize = 12;

/// Most bytes of a reply that are looked at.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

const KRB_ERROR: u8 = 0x7e;
const AS_REQ: u8 = 0x6a;

/// PA-ENC-TIMESTAMP and PA-ENCRYPTED-CHALLENGE.
const PROOFS: [i32; 2] = [2, 138];

/// PA-FX-FAST.
const FX_FAST: i32 = 136;

/// First of the library's numbers for the protocol's errors, 0 to 127.
const PROTOCOL_BASE: i32 = -1_765_328_384;
const KDCREP_SKEW: i32 = -1_765_328_236;
const KDCREP_MODIFIED: i32 = -1_765_328_237;
const ASN1_BASE: i32 = 1_859_794_432;

/// The library's side of an exchange.
pub(crate) trait Conversation {
    fn step(&mut self, reply: &[u8]) -> Result<Step, Code>;

    /// The error that the KDC sent inside the armour of the exchange.
    fn error(&self) -> Option<ErrorMessage>;
}

impl Conversation for InitialExchange<'_> {
    fn step(&mut self, reply: &[u8]) -> Result<Step, Code> {
        InitialExchange::step(self, reply)
    }

    fn error(&self) -> Option<ErrorMessage> {
        InitialExchange::error(self)
    }
}

impl Conversation for TicketExchange<'_> {
    fn step(&mut self, reply: &[u8]) -> Result<Step, Code> {
        TicketExchange::step(self, reply)
    }

    fn error(&self) -> Option<ErrorMessage> {
        None
    }
}

/// Runs `conversation` to its end.
///
/// At most one request carries a proof of the password: where the library would try another method after a
/// refusal, this ends with the refusal. One wrong password is one attempt for the lockout.
pub(crate) fn run(
    context: &Context,
    realm: &str,
    conversation: &mut dyn Conversation,
    exchange: &mut Exchange<'_>,
) -> Result<(), Error> {
    let mut reply = Vec::new();
    let mut challenged = false;
    let mut proved = false;
    for _ in 0..MOST_ROUNDS {
        let step = match conversation.step(&reply) {
            Ok(step) => step,
            Err(code) => return Err(failure(context, code, &reply, proved, conversation)),
        };
        let Step::Send {
            request,
            realm: wanted,
        } = step
        else {
            return Ok(());
        };
        if let Some(refused) = refusal(context, &reply, proved, conversation) {
            return Err(Error::Kdc(refused));
        }
        if wanted != realm.as_bytes() {
            return Err(Error::OtherRealm(String::from_utf8_lossy(&wanted).into()));
        }
        proved = challenged || carries_proof(&request);
        reply = ask(exchange, &request)?;
        challenged |= number(context, &reply) == Some(code::PREAUTH_REQUIRED);
    }
    Err(Error::Reply(ReplyFault::Endless))
}

/// One question and its answer, which has a size that makes sense.
pub(crate) fn ask(exchange: &mut Exchange<'_>, request: &[u8]) -> Result<Vec<u8>, Error> {
    let reply = exchange(request).map_err(Error::Transport)?;
    match reply.len() {
        // To the library an empty reply means: start again.
        0 => Err(Error::Reply(ReplyFault::Empty)),
        1..=MOST_BYTES => Ok(reply),
        _ => Err(Error::Reply(ReplyFault::TooLong)),
    }
}

/// The refusal in `reply`, if it answers a request with a proof and asks for no more of it.
fn refusal(
    context: &Context,
    reply: &[u8],
    proved: bool,
    conversation: &dyn Conversation,
) -> Option<KdcError> {
    let number = number(context, reply).filter(|_| proved)?;
    if number == code::MORE_PREAUTH {
        return None;
    }
    Some(kdc_error(
        &conversation.error().or_else(|| message(context, reply))?,
        proved,
    ))
}

/// The KDC's error in `reply`; the one from inside the armour if it has one.
fn told(
    context: &Context,
    reply: &[u8],
    proved: bool,
    conversation: &dyn Conversation,
) -> Option<KdcError> {
    let outer = is_error(reply).then(|| message(context, reply))??;
    let Some(inner) = conversation.error() else {
        return Some(kdc_error(&outer, proved));
    };
    // Where the armour does not open, the library passes the outer error on as it is.
    let armored = inner.e_data != outer.e_data && has_armor(&outer.e_data);
    Some(KdcError {
        armored,
        ..kdc_error(&inner, proved)
    })
}

/// What the library's error means, with the KDC's own word for it where there is one.
fn failure(
    context: &Context,
    library: Code,
    reply: &[u8],
    proved: bool,
    conversation: &dyn Conversation,
) -> Error {
    match told(context, reply, proved, conversation) {
        // Not a refusal, but a question, and the library cannot answer it: it has no key, or no method.
        Some(told)
            if [code::PREAUTH_REQUIRED, code::MORE_PREAUTH].contains(&told.code)
                && library.0 != PROTOCOL_BASE + told.code => {}
        Some(told) => return Error::Kdc(told),
        None => {}
    }
    from_library(context, library)
}

/// The library's own judgement of a reply that is no KRB-ERROR.
pub(crate) fn from_library(context: &Context, code: Code) -> Error {
    match code.0 {
        KDCREP_SKEW => Error::Reply(ReplyFault::Skew),
        KDCREP_MODIFIED => Error::Reply(ReplyFault::Malformed),
        number if (ASN1_BASE..ASN1_BASE + 32).contains(&number) => {
            Error::Reply(ReplyFault::Malformed)
        }
        number if number == PROTOCOL_BASE + code::BAD_INTEGRITY => {
            Error::Reply(ReplyFault::Undecryptable)
        }
        number if number == PROTOCOL_BASE + code::SKEW => Error::Reply(ReplyFault::Skew),
        _ => context.library(code),
    }
}

pub(crate) fn kdc_error(told: &ErrorMessage, after_preauth: bool) -> KdcError {
    KdcError {
        code: i32::try_from(told.code).unwrap_or(i32::MAX),
        ntstatus: ntstatus::find(&told.e_data),
        after_preauth,
        server_time: (told.server_time != 0).then(|| told.server_time.into()),
        armored: false,
    }
}

pub(crate) fn is_error(reply: &[u8]) -> bool {
    reply.first() == Some(&KRB_ERROR)
}

pub(crate) fn message(context: &Context, reply: &[u8]) -> Option<ErrorMessage> {
    ErrorMessage::read(context.handle(), reply).ok()
}

fn number(context: &Context, reply: &[u8]) -> Option<i32> {
    let told = is_error(reply).then(|| message(context, reply))??;
    i32::try_from(told.code).ok()
}

/// Whether an AS-REQ has a proof among its pre-authentication data.
fn carries_proof(request: &[u8]) -> bool {
    padata(request).is_some_and(|list| padata_types(list).any(|kind| PROOFS.contains(&kind)))
}

/// Whether the additional data of an error, METHOD-DATA, have a part that is armoured.
fn has_armor(e_data: &[u8]) -> bool {
    let list = Reader::new(e_data).expect(SEQUENCE).map(Reader::new);
    list.is_some_and(|list| padata_types(list).any(|kind| kind == FX_FAST))
}

fn padata(request: &[u8]) -> Option<Reader<'_>> {
    let request = Reader::new(request).expect(AS_REQ)?;
    let mut fields = Reader::new(Reader::new(request).expect(SEQUENCE)?);
    let field = core::iter::from_fn(|| fields.value()).find(|field| field.tag == tagged(3))?;
    Reader::new(field.contents)
        .expect(SEQUENCE)
        .map(Reader::new)
}

fn padata_types(mut list: Reader<'_>) -> impl Iterator<Item = i32> {
    core::iter::from_fn(move || list.expect(SEQUENCE)).filter_map(|element| {
        let kind = Reader::new(element).expect(tagged(1))?;
        integer(Reader::new(kind).expect(INTEGER)?)
    })
}
