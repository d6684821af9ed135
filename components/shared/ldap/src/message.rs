//! Messages (RFC 4511, section 4): those that we send, and those of a server that we understand.
//!
//! `rasn` writes and reads them by their ASN.1; who calls has cut them out and judged their length ([`crate::frame`]). Only
//! answers are read, so nothing of what a server sends can nest.

mod page;

use crate::{
    entry::Entry,
    filter::Filter,
    limits::{ALTERNATIVES, PAGE, SEARCH_SECONDS},
    text::shown,
};
use alloc::{format, string::String, vec, vec::Vec};
pub(crate) use page::Page;
use rasn::ber;
use rasn_ldap::{
    AuthenticationChoice, BindRequest, Control, ExtendedRequest, LdapMessage, LdapString, ProtocolOp, ResultCode,
    SearchRequest, SearchRequestDerefAliases, SearchRequestScope, UnbindRequest,
};

/// `StartTLS` (RFC 4511, section 4.14).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// Paged results (RFC 2696).
pub(crate) const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";

/// The version of the protocol.
const VERSION: u8 = 3;

/// Tags of answers that are read: `BindResponse`, `SearchResultEntry`, `SearchResultDone`, `SearchResultReference`,
/// `ExtendedResponse`. None of them nests.
const ANSWERS: [u8; 5] = [0x61, 0x64, 0x65, 0x73, 0x78];

/// How far below its base a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The base itself.
    Base,
    /// What is right below it.
    One,
    /// The base and all below it.
    Sub,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Where it begins.
    pub base: String,
    /// How far it goes.
    pub scope: Scope,
    /// What it looks for.
    pub filter: Filter,
    /// What it wants to know of what it finds.
    pub attributes: Vec<String>,
    /// Most entries that are of use. With more than a page of them it is paged.
    pub most: usize,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The result's number (RFC 4511, appendix A).
    pub code: u32,
    /// What the server says of it, fit for a log.
    pub said: String,
    /// Where it sends us.
    pub referral: Vec<String>,
}

impl Outcome {
    /// In words, for a log.
    #[must_use]
    pub fn told(&self) -> String {
        let meaning = code::meaning(self.code);
        if self.said.is_empty() {
            format!("{} ({meaning})", self.code)
        } else {
            format!("{} ({meaning}): {}", self.code, self.said)
        }
    }
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a bind or to an extended request.
    Ended(Outcome),
    /// Something that was found.
    Entry(Entry),
    /// More may be found there; the addresses are alternatives.
    Reference(Vec<String>),
    /// The search is over, or this page of it, and then the cookie leads to the next.
    Done(Outcome, Vec<u8>),
}

/// Signs in with a name and a password.
pub(crate) fn bind(id: u32, name: &str, password: &str) -> Result<Vec<u8>, Unwritable> {
    let choice = AuthenticationChoice::Simple(password.as_bytes().to_vec().into());
    write(LdapMessage::new(id, ProtocolOp::BindRequest(BindRequest::new(VERSION, name.into(), choice))))
}

/// Asks for TLS.
pub(crate) fn start_tls(id: u32) -> Result<Vec<u8>, Unwritable> {
    let request = ExtendedRequest { request_name: START_TLS.to_vec().into(), request_value: None };
    write(LdapMessage::new(id, ProtocolOp::ExtendedReq(request)))
}

/// Says goodbye.
pub(crate) fn unbind(id: u32) -> Result<Vec<u8>, Unwritable> {
    write(LdapMessage::new(id, ProtocolOp::UnbindRequest(UnbindRequest)))
}

/// Searches. `cookie` is that of the page before; empty for the first.
pub(crate) fn search(id: u32, search: &Search, cookie: &[u8]) -> Result<Vec<u8>, Unwritable> {
    let scope = match search.scope {
        Scope::Base => SearchRequestScope::BaseObject,
        Scope::One => SearchRequestScope::SingleLevel,
        Scope::Sub => SearchRequestScope::WholeSubtree,
    };
    let is_paged = search.is_paged();
    let request = SearchRequest::new(
        search.base.as_str().into(),
        scope,
        SearchRequestDerefAliases::NeverDerefAliases,
        // A limit of the whole would end a paged search in the middle.
        if is_paged { 0 } else { u32::try_from(search.most).unwrap_or(u32::MAX) },
        SEARCH_SECONDS,
        false,
        search.filter.wire(),
        search.attributes.iter().map(|name| LdapString::from(name.as_str())).collect(),
    );
    let mut message = LdapMessage::new(id, ProtocolOp::SearchRequest(request));
    if is_paged {
        let page = ber::encode(&Page { size: PAGE, cookie: cookie.to_vec().into() }).map_err(|_| Unwritable)?;
        message.controls = Some(vec![Control::new(PAGED_RESULTS.to_vec().into(), false, Some(page.into()))]);
    }
    write(message)
}

impl Search {
    /// Whether entries are asked for page by page.
    #[must_use]
    pub fn is_paged(&self) -> bool {
        self.most > PAGE as usize
    }
}

/// A request that cannot be written. There is none that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unwritable;

#[expect(clippy::needless_pass_by_value, reason = "it is used up")]
fn write(message: LdapMessage) -> Result<Vec<u8>, Unwritable> {
    ber::encode(&message).map_err(|_| Unwritable)
}

/// Reads one message. With which request it goes, and what it says; `None` if it is no answer that we know.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<(u32, Answer)> {
    if !ANSWERS.contains(&operation(bytes)?) {
        return None;
    }
    let message: LdapMessage = ber::decode(bytes).ok()?;
    let answer = match message.protocol_op {
        ProtocolOp::BindResponse(response) => {
            let referral = response.referral;
            Answer::Ended(outcome(response.result_code, &response.diagnostic_message, referral))
        }
        ProtocolOp::ExtendedResp(response) => {
            let referral = response.referral;
            Answer::Ended(outcome(response.result_code, &response.diagnostic_message, referral))
        }
        ProtocolOp::SearchResEntry(found) => {
            let attributes = found.attributes.into_iter().map(|attribute| {
                (attribute.r#type.0, attribute.vals.into_vec().into_iter().map(|value| value.to_vec()).collect())
            });
            Answer::Entry(Entry { name: found.object_name.0, attributes: attributes.collect() })
        }
        ProtocolOp::SearchResRef(reference) => Answer::Reference(addresses(reference.0)),
        ProtocolOp::SearchResDone(done) => {
            let done = done.0;
            let cookie = message.controls.map_or_else(|| Some(Vec::new()), |controls| cookie(&controls))?;
            Answer::Done(outcome(done.result_code, &done.diagnostic_message, done.referral), cookie)
        }
        _ => return None,
    };
    Some((message.message_id, answer))
}

/// The tag of a message's operation: behind the head and the id.
fn operation(bytes: &[u8]) -> Option<u8> {
    let (_, content) = head(bytes)?;
    let (length, id) = head(bytes.get(content..)?)?;
    bytes.get(content.checked_add(id)?.checked_add(length)?).copied()
}

/// How long a value is, and how long its head.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = usize::from(*bytes.get(1)?);
    if first < 0x80 {
        return Some((first, 2));
    }
    let digits = bytes.get(2..2 + (first & 0x7f)).filter(|digits| digits.len() <= 4)?;
    Some((digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit)), 2 + digits.len()))
}

fn outcome(code: ResultCode, said: &LdapString, referral: Option<Vec<LdapString>>) -> Outcome {
    Outcome { code: code as u32, said: shown(said), referral: addresses(referral.unwrap_or_default()) }
}

fn addresses(found: Vec<LdapString>) -> Vec<String> {
    found.into_iter().take(ALTERNATIVES).map(|address| address.0).collect()
}

/// The way to the next page. `None` if there is one and it cannot be read.
fn cookie(controls: &[Control]) -> Option<Vec<u8>> {
    let Some(paged) = controls.iter().find(|control| &control.control_type[..] == PAGED_RESULTS) else {
        return Some(Vec::new());
    };
    let page: Page = ber::decode(paged.control_value.as_ref()?).ok()?;
    Some(page.cookie.to_vec())
}

/// Numbers of results that something follows from.
pub mod code {
    /// It worked.
    pub const SUCCESS: u32 = 0;
    /// There is more than was asked for.
    pub const SIZE_LIMIT_EXCEEDED: u32 = 4;
    /// The server wants to be asked more securely.
    pub const STRONGER_AUTH_REQUIRED: u32 = 8;
    /// Somebody else knows.
    pub const REFERRAL: u32 = 10;
    /// The server wants encryption.
    pub const CONFIDENTIALITY_REQUIRED: u32 = 13;
    /// There is no such entry.
    pub const NO_SUCH_OBJECT: u32 = 32;
    /// A name is none.
    pub const INVALID_DN_SYNTAX: u32 = 34;
    /// The entry cannot sign in this way: it has no password.
    pub const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
    /// The password is wrong.
    pub const INVALID_CREDENTIALS: u32 = 49;
    /// Not for this account.
    pub const INSUFFICIENT_ACCESS: u32 = 50;
    /// Too much to do.
    pub const BUSY: u32 = 51;
    /// Going down, or not up yet.
    pub const UNAVAILABLE: u32 = 52;
    /// It will not.
    pub const UNWILLING: u32 = 53;

    /// What a result means, in words for a log (RFC 4511, appendix A).
    #[must_use]
    pub fn meaning(code: u32) -> &'static str {
        match code {
            SUCCESS => "success",
            1 => "operations error",
            2 => "protocol error",
            3 => "time limit exceeded",
            SIZE_LIMIT_EXCEEDED => "size limit exceeded",
            7 => "this way to sign in is not supported",
            STRONGER_AUTH_REQUIRED => "a stronger way to sign in is required",
            REFERRAL => "referral",
            11 => "administrative limit exceeded",
            12 => "a critical extension is not there",
            CONFIDENTIALITY_REQUIRED => "encryption is required",
            16 => "no such attribute",
            17 => "undefined attribute",
            18 => "inappropriate matching",
            19 => "constraint violation",
            NO_SUCH_OBJECT => "no such entry",
            INVALID_DN_SYNTAX => "invalid name",
            INAPPROPRIATE_AUTHENTICATION => "the entry cannot sign in this way",
            INVALID_CREDENTIALS => "invalid credentials",
            INSUFFICIENT_ACCESS => "insufficient rights",
            BUSY => "busy",
            UNAVAILABLE => "unavailable",
            UNWILLING => "unwilling to perform",
            _ => "other",
        }
    }
}

#[cfg(test)]
mod tests;
