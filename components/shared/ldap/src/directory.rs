//! A directory: several servers that know the same, and those that they send us on to.
//!
//! Invariant: the bind account's password goes to servers of the settings only (the host refuses others), and never over a
//! connection that is less encrypted than the first one.

use crate::{
    Refusal,
    address::{Address, Place},
    entry::Entry,
    limits::REFERRALS,
    line::Network,
    message::{Outcome, Scope, Search, code},
    settings::Settings,
    speaker::{Speaker, failed},
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// Connections to it, each signed in as the bind account.
pub(crate) struct Directory<'a, N: Network> {
    network: &'a N,
    settings: &'a Settings,
    lines: Vec<(Place, Speaker<N::Line>)>,
    sent_on: usize,
}

/// An entry, and on which connection it was found.
#[derive(Debug)]
pub(crate) struct Found {
    line: usize,
    pub(crate) entry: Entry,
}

/// What a search brought from all servers.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) entries: Vec<Found>,
    /// There are more than were wanted.
    pub(crate) is_cut: bool,
    /// The base is not there.
    pub(crate) is_baseless: bool,
}

/// Why a server is not used.
enum Unusable {
    /// The next one may be.
    Server(String),
    /// None of them would be.
    Settings(String),
}

impl<'a, N: Network> Directory<'a, N> {
    /// Connects to the first server that works.
    pub(crate) fn open(network: &'a N, settings: &'a Settings) -> Result<Self, Refusal> {
        let mut told = Vec::new();
        for place in &settings.servers {
            match greet(network, settings, place) {
                Ok(speaker) => {
                    network.step("the directory let the bind account in", &[("server", &place.shown())]);
                    let lines = Vec::from([(place.clone(), speaker)]);
                    return Ok(Self { network, settings, lines, sent_on: 0 });
                }
                Err(Unusable::Server(why)) => {
                    network.warn("a directory server cannot be used", &[("server", &place.shown()), ("why", &why)]);
                    told.push(format!("{}: {why}", place.shown()));
                }
                Err(Unusable::Settings(why)) => {
                    return Err(Refusal::Misconfigured(format!("{}: {why}", place.shown())));
                }
            }
        }
        Err(Refusal::Unavailable(told.join("; ")))
    }

    /// Says goodbye.
    pub(crate) fn close(mut self) {
        for (_, speaker) in &mut self.lines {
            speaker.leave();
        }
    }

    /// Searches, and goes on to other servers where that is wanted.
    pub(crate) fn search(&mut self, search: &Search) -> Result<Findings, Refusal> {
        let mut findings = Findings::default();
        let mut waiting = Vec::from([(0, search.clone())]);
        while let Some((line, search)) = waiting.pop() {
            let Some((place, speaker)) = self.lines.get_mut(line) else { continue };
            let brought = speaker.search(&search);
            let brought = brought.map_err(|fault| Refusal::Unavailable(format!("{}: {fault}", place.shown())))?;
            findings.is_cut |= brought.is_cut;
            findings.entries.extend(brought.entries.into_iter().map(|entry| Found { line, entry }));
            for addresses in brought.references {
                if let Some(next) = self.refer(&addresses, &search, true)? {
                    waiting.push(next);
                }
            }
            match brought.outcome.code {
                code::SUCCESS | code::SIZE_LIMIT_EXCEEDED => {}
                code::NO_SUCH_OBJECT => findings.is_baseless = true,
                code::REFERRAL => {
                    let to = &brought.outcome.referral;
                    let next = self.refer(to, &search, false)?.ok_or_else(|| {
                        let to = crate::text::shown(&to.join(" "));
                        Refusal::Unavailable(format!("the directory sends us on to `{to}`, where we do not go"))
                    });
                    waiting.push(next?);
                }
                _ => return Err(unsearchable(&search, &brought.outcome)),
            }
            if findings.entries.len() > search.most {
                findings.is_cut = true;
                break;
            }
        }
        Ok(findings)
    }

    /// Where a search goes on, if it does. `is_part`: it goes on there besides here.
    fn refer(
        &mut self,
        addresses: &[String],
        search: &Search,
        is_part: bool,
    ) -> Result<Option<(usize, Search)>, Refusal> {
        let shown = crate::text::shown(&addresses.join(" "));
        if !self.settings.follows {
            self.network.step("a referral is not followed", &[("to", &shown)]);
            return Ok(None);
        }
        for address in addresses.iter().filter_map(|address| Address::parse(address)) {
            self.sent_on += 1;
            if self.sent_on > REFERRALS {
                return Err(Refusal::Unavailable(format!("the directory sends us on more than {REFERRALS} times")));
            }
            if let Some(line) = self.line_to(&address.place) {
                // Where one level was searched, what is there is of that level (RFC 4511, section 4.5.3).
                let scope = if is_part && search.scope == Scope::One { Scope::Base } else { search.scope };
                let base = address.base.unwrap_or_else(|| search.base.clone());
                let scope = address.scope.unwrap_or(scope);
                self.network.step("a referral is followed", &[("to", &address.place.shown()), ("base", &base)]);
                return Ok(Some((line, Search { base, scope, ..search.clone() })));
            }
        }
        self.network.warn("a referral leads nowhere", &[("to", &shown)]);
        Ok(None)
    }

    /// The connection to a server that we were sent to.
    fn line_to(&mut self, place: &Place) -> Option<usize> {
        if let Some(known) = self.lines.iter().position(|(other, _)| other == place) {
            return Some(known);
        }
        let is_encrypted = |place: &Place| match place {
            Place::Host { tls, .. } => *tls || self.settings.starts_tls,
            Place::Socket(_) => true,
        };
        let shown = place.shown();
        let was_encrypted = self.lines.first().is_some_and(|(first, _)| is_encrypted(first));
        if was_encrypted && !is_encrypted(place) {
            self.network.warn("a referral is not followed, because it leads out of the encryption", &[("to", &shown)]);
            return None;
        }
        match greet(self.network, self.settings, place) {
            Ok(speaker) => {
                self.lines.push((place.clone(), speaker));
                Some(self.lines.len() - 1)
            }
            Err(Unusable::Server(why) | Unusable::Settings(why)) => {
                self.network.warn("a referral is not followed", &[("to", &shown), ("why", &why)]);
                None
            }
        }
    }

    /// Whether the password is that of an entry. The connection is nobody's afterwards; see [`Self::return_to`].
    pub(crate) fn check_password(&mut self, found: &Found, password: &str) -> Result<(), Refusal> {
        let name = found.entry.name.as_str();
        // A bind with either of them empty succeeds and proves nothing (RFC 4513, section 5.1).
        if name.is_empty() || password.is_empty() {
            return Err(Refusal::InvalidCredentials);
        }
        let Some((place, speaker)) = self.lines.get_mut(found.line) else { return Err(Refusal::InvalidCredentials) };
        let shown = place.shown();
        let outcome = speaker.bind(name, password);
        let outcome = outcome.map_err(|fault| Refusal::Unavailable(format!("{shown}: {fault}")))?;
        let told = outcome.told();
        match outcome.code {
            code::SUCCESS => {
                self.network.step("the directory accepts the password", &[("entry", name)]);
                Ok(())
            }
            code::INVALID_CREDENTIALS | code::INAPPROPRIATE_AUTHENTICATION | code::NO_SUCH_OBJECT => {
                self.network.step("the directory refuses the password", &[("entry", name), ("answer", &told)]);
                Err(Refusal::InvalidCredentials)
            }
            code::STRONGER_AUTH_REQUIRED | code::CONFIDENTIALITY_REQUIRED => Err(unencrypted(&shown, &outcome)),
            code::BUSY | code::UNAVAILABLE | code::REFERRAL => {
                Err(Refusal::Unavailable(failed(&format!("{shown} does not check the password of `{name}`"), &outcome)))
            }
            _ => Err(Refusal::Refused(failed(&format!("the directory does not let `{name}` in"), &outcome))),
        }
    }

    /// Makes the connection on which an entry was found the bind account's again.
    pub(crate) fn return_to(&mut self, found: &Found) -> Result<(), Refusal> {
        let Some((place, speaker)) = self.lines.get_mut(found.line) else { return Ok(()) };
        present(self.settings, speaker).map_err(|unusable| match unusable {
            Unusable::Server(why) => Refusal::Unavailable(format!("{}: {why}", place.shown())),
            Unusable::Settings(why) => Refusal::Misconfigured(format!("{}: {why}", place.shown())),
        })
    }
}

/// Connects, encrypts where that is wanted, and signs the bind account in.
fn greet<N: Network>(network: &N, settings: &Settings, place: &Place) -> Result<Speaker<N::Line>, Unusable> {
    let line = network.connect(place).map_err(|broken| Unusable::Server(broken.to_string()))?;
    let mut speaker = Speaker::new(line);
    if settings.starts_tls && matches!(place, Place::Host { tls: false, .. }) {
        let outcome = speaker.start_tls().map_err(|fault| Unusable::Server(fault.told()))?;
        if outcome.code != code::SUCCESS {
            return Err(Unusable::Server(failed("it refuses StartTLS", &outcome)));
        }
    }
    present(settings, &mut speaker)?;
    Ok(speaker)
}

/// Signs the bind account in.
fn present<L: crate::line::Line>(settings: &Settings, speaker: &mut Speaker<L>) -> Result<(), Unusable> {
    let (name, password) = (settings.bind_name.as_str(), settings.bind_password.as_str());
    let outcome = speaker.bind(name, password).map_err(|fault| Unusable::Server(fault.told()))?;
    match outcome.code {
        code::SUCCESS => Ok(()),
        code::STRONGER_AUTH_REQUIRED | code::CONFIDENTIALITY_REQUIRED => {
            Err(Unusable::Settings(failed("it wants encryption: use ldaps:// or START_TLS", &outcome)))
        }
        7
        | code::NO_SUCH_OBJECT
        | code::INVALID_DN_SYNTAX
        | code::INAPPROPRIATE_AUTHENTICATION
        | code::INVALID_CREDENTIALS
        | code::INSUFFICIENT_ACCESS
        | code::UNWILLING => {
            let who = if name.is_empty() { "nobody (BIND_DN is empty)" } else { name };
            Err(Unusable::Settings(failed(&format!("it refuses the bind account `{who}`"), &outcome)))
        }
        _ => Err(Unusable::Server(failed("it does not let the bind account in", &outcome))),
    }
}

fn unencrypted(server: &str, outcome: &Outcome) -> Refusal {
    Refusal::Misconfigured(failed(&format!("{server} wants encryption: use ldaps:// or START_TLS"), outcome))
}

pub(crate) fn unsearchable(search: &Search, outcome: &Outcome) -> Refusal {
    let told = failed(&format!("searching below `{}` failed", search.base), outcome);
    match outcome.code {
        // Attributes that are not there or cannot be compared, names that are none, rights that are missing.
        12 | 17 | 18 | code::INVALID_DN_SYNTAX | code::INSUFFICIENT_ACCESS => Refusal::Misconfigured(told),
        code::STRONGER_AUTH_REQUIRED | code::CONFIDENTIALITY_REQUIRED => {
            Refusal::Misconfigured(format!("{told}; use ldaps:// or START_TLS"))
        }
        _ => Refusal::Unavailable(told),
    }
}
