//! A directory in memory, for tests: it understands what the driver asks, and misbehaves as it is told.

use crate::{
    address::Place,
    entry::Entry,
    line::{Broken, Line, Network},
    message::{PAGED_RESULTS, Page},
};
use alloc::{
    format,
    rc::Rc,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::cell::RefCell;
use rasn::ber;
use rasn_ldap::{
    AuthenticationChoice, BindResponse, Control, ExtendedResponse, Filter, LdapMessage, LdapResult, PartialAttribute,
    ProtocolOp, ResultCode, SearchRequest, SearchRequestScope, SearchResultDone, SearchResultEntry,
    SearchResultReference,
};

/// How a server behaves.
#[derive(Clone, Default)]
pub(crate) struct Server {
    pub(crate) entries: Vec<Entry>,
    pub(crate) passwords: Vec<(String, String)>,
    /// Nobody is there.
    pub(crate) is_down: bool,
    /// Searches at this base are sent on to there.
    pub(crate) referral: Option<(String, String)>,
    /// Every search mentions these.
    pub(crate) references: Vec<String>,
    /// Whatever it is asked, it says this.
    pub(crate) says: Option<Vec<u8>>,
    /// It says this behind its answer to `StartTLS`.
    pub(crate) adds: Vec<u8>,
    /// Every page leads to another one.
    pub(crate) pages_without_end: bool,
}

/// Servers by what they are called, what they were asked, and what was noted.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) servers: Vec<(&'static str, Server)>,
    pub(crate) asked: Rc<RefCell<Vec<String>>>,
    pub(crate) noted: RefCell<Vec<String>>,
    pub(crate) now: u64,
}

pub(crate) struct Wire {
    server: Server,
    asked: Rc<RefCell<Vec<String>>>,
    answer: Vec<u8>,
}

/// An entry with its attributes as `name: value`.
pub(crate) fn entry(name: &str, attributes: &[(&str, &str)]) -> Entry {
    let mut found: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    for (name, value) in attributes {
        match found.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value.as_bytes().to_vec()),
            None => found.push(((*name).to_string(), vec![value.as_bytes().to_vec()])),
        }
    }
    Entry { name: name.into(), attributes: found }
}

impl Network for World {
    type Line = Wire;

    fn connect(&self, place: &Place) -> Result<Wire, Broken> {
        let shown = place.shown();
        self.asked.borrow_mut().push(format!("connect {shown}"));
        let (_, server) = self.servers.iter().find(|(name, _)| *name == shown).ok_or(Broken::Denied)?;
        if server.is_down {
            return Err(Broken::Unreachable("connection refused".into()));
        }
        Ok(Wire { server: server.clone(), asked: self.asked.clone(), answer: Vec::new() })
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn step(&self, message: &str, facts: &[(&str, &str)]) {
        self.noted.borrow_mut().push(format!("{message} {facts:?}"));
    }

    fn warn(&self, message: &str, facts: &[(&str, &str)]) {
        self.noted.borrow_mut().push(format!("{message} {facts:?}"));
    }
}

impl Line for Wire {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if let Some(said) = &self.server.says {
            self.answer.extend(said);
            return Ok(());
        }
        let message: LdapMessage = ber::decode(bytes).unwrap();
        let cookie = message.controls.as_deref().map(cookie);
        match message.protocol_op {
            ProtocolOp::BindRequest(bind) => {
                let AuthenticationChoice::Simple(password) = bind.authentication else { panic!("no password") };
                self.asked.borrow_mut().push(format!("bind {}", bind.name.0));
                let password = String::from_utf8(password.to_vec()).unwrap();
                let is_known = password.is_empty() || self.server.passwords.contains(&(bind.name.0, password));
                let code = if is_known { ResultCode::Success } else { ResultCode::InvalidCredentials };
                self.put(
                    message.message_id,
                    ProtocolOp::BindResponse(BindResponse::new(code, "".into(), "".into(), None, None)),
                    None,
                );
            }
            ProtocolOp::ExtendedReq(_) => {
                self.asked.borrow_mut().push("start tls".into());
                let response = ExtendedResponse {
                    result_code: ResultCode::Success,
                    matched_dn: "".into(),
                    diagnostic_message: "".into(),
                    referral: None,
                    response_name: None,
                    response_value: None,
                };
                self.put(message.message_id, ProtocolOp::ExtendedResp(response), None);
                self.answer.extend(self.server.adds.clone());
            }
            ProtocolOp::SearchRequest(search) => self.search(message.message_id, &search, cookie),
            _ => self.asked.borrow_mut().push("goodbye".into()),
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<Vec<u8>, Broken> {
        // In pieces, as networks do.
        let piece = self.answer.len().min(1 << 10);
        Ok(self.answer.drain(..piece).collect())
    }

    fn secure(&mut self) -> Result<(), Broken> {
        self.asked.borrow_mut().push("secure".into());
        Ok(())
    }
}

fn cookie(controls: &[Control]) -> usize {
    assert_eq!(&controls[0].control_type[..], PAGED_RESULTS);
    let page: Page = ber::decode(controls[0].control_value.as_ref().unwrap()).unwrap();
    String::from_utf8(page.cookie.to_vec()).unwrap().parse().unwrap_or(0)
}

impl Wire {
    fn put(&mut self, id: u32, operation: ProtocolOp, controls: Option<Vec<Control>>) {
        let mut message = LdapMessage::new(id, operation);
        message.controls = controls;
        self.answer.extend(ber::encode(&message).unwrap());
    }

    fn search(&mut self, id: u32, search: &SearchRequest, page: Option<usize>) {
        self.asked.borrow_mut().push(format!("search {} {:?}", search.base_object.0, search.scope));
        let base = search.base_object.0.to_lowercase();
        let mut code = ResultCode::Success;
        let mut referral = None;
        if let Some((_, to)) = self.server.referral.clone().filter(|(from, _)| from.to_lowercase() == base) {
            (code, referral) = (ResultCode::Referral, Some(vec![to.as_str().into()]));
        }
        let found: Vec<Entry> =
            self.server.entries.iter().filter(|entry| self.fits(entry, search, &base)).cloned().collect();
        let (from, size) = (page.unwrap_or(0), if page.is_some() { 500 } else { usize::MAX });
        let rest = found.len().saturating_sub(from.saturating_add(size));
        for entry in found.into_iter().skip(from).take(size) {
            let attributes = entry.attributes.into_iter().map(|(name, values)| {
                let values: Vec<_> = values.into_iter().map(Into::into).collect();
                PartialAttribute::new(name.into(), values.into())
            });
            let entry = SearchResultEntry::new(entry.name.into(), attributes.collect());
            self.put(id, ProtocolOp::SearchResEntry(entry), None);
        }
        for reference in self.server.references.clone() {
            self.put(id, ProtocolOp::SearchResRef(SearchResultReference(vec![reference.into()])), None);
        }
        let mut result = LdapResult::new(code, "".into(), "".into());
        result.referral = referral;
        let controls = page.filter(|_| rest > 0 || self.server.pages_without_end).map(|_| {
            let cookie = (from + size).to_string().into_bytes();
            let page = ber::encode(&Page { size: 0, cookie: cookie.into() }).unwrap();
            vec![Control::new(PAGED_RESULTS.to_vec().into(), false, Some(page.into()))]
        });
        self.put(id, ProtocolOp::SearchResDone(SearchResultDone(result)), controls);
    }

    fn fits(&self, entry: &Entry, search: &SearchRequest, base: &str) -> bool {
        let name = entry.name.to_lowercase();
        let parent = name.split_once(',').map_or("", |(_, parent)| parent);
        let is_in = match search.scope {
            SearchRequestScope::BaseObject => name == base,
            SearchRequestScope::SingleLevel => parent == base,
            _ => name.ends_with(base),
        };
        is_in && self.holds(entry, &search.filter)
    }

    fn holds(&self, entry: &Entry, filter: &Filter) -> bool {
        let has = |entry: &Entry, attribute: &str, value: &[u8]| {
            let value = String::from_utf8(value.to_vec()).unwrap().to_lowercase();
            entry.texts(attribute).any(|text| text.to_lowercase() == value)
        };
        match filter {
            Filter::Present(_) => true,
            Filter::Or(filters) => filters.iter().any(|filter| self.holds(entry, filter)),
            Filter::EqualityMatch(equal) => has(entry, &equal.attribute_desc.0, &equal.assertion_value),
            Filter::ExtensibleMatch(rule) => {
                let attribute = rule.r#type.clone().unwrap().0;
                let is_above =
                    |other: &Entry| has(entry, &attribute, other.name.as_bytes()) && self.holds(other, filter);
                has(entry, &attribute, &rule.match_value) || self.server.entries.iter().any(is_above)
            }
            other => panic!("{other:?}"),
        }
    }
}
