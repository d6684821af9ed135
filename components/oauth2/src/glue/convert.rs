//! Types of the bindings, and those of the protocol. The driver `openid` has this file, too: its bindings are types of their own.

use super::{
    Claim, Destination, Identity, Parameter, Wire,
    exports::gatewit::driver::about::{Kind, Setting},
    gatewit::driver::types::Subject,
};
use alloc::{string::String, vec::Vec};
use gatewit_oauth::{Refusal, authorization, person::Person, settings};

impl From<Refusal> for Wire {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Refused(text) => Self::Refused(text),
            Refusal::Expired(text) => Self::Expired(text),
            Refusal::Unavailable(text) => Self::Unavailable(text),
            Refusal::Misconfigured(text) => Self::Misconfigured(text),
        }
    }
}

pub(super) fn setting(setting: settings::Setting) -> Setting {
    Setting {
        name: setting.name.into(),
        kind: match setting.kind {
            settings::Kind::Boolean => Kind::Boolean,
            settings::Kind::Text => Kind::Text,
            settings::Kind::List => Kind::List,
            settings::Kind::Json => Kind::Json,
            settings::Kind::Url => Kind::Url,
            settings::Kind::Document => Kind::Document,
            settings::Kind::Keys => Kind::Keys,
        },
        default: setting.default.map(Into::into),
        required: setting.required,
        secret: setting.secret,
        help: setting.help.into(),
    }
}

pub(super) fn pairs(parameters: Vec<Parameter>) -> Vec<(String, String)> {
    parameters.into_iter().map(|parameter| (parameter.name, parameter.value)).collect()
}

/// What an answer claims to belong to: the target stays with us.
pub(super) fn claim(parameters: Vec<Parameter>) -> Claim {
    Claim { state: authorization::single(&pairs(parameters), "state").map(Into::into), target: None }
}

/// The browser just goes there.
pub(super) fn destination(url: String) -> Destination {
    Destination { url, form: Vec::new() }
}

pub(super) fn identity(person: Person) -> Identity {
    Identity {
        subject: Subject::Identifier(person.identifier),
        email: person.email,
        email_verified: person.email_verified,
        given_name: person.given_name,
        family_name: person.family_name,
        groups: person.groups,
        claims: person.claims,
        auth_data: None,
        session: None,
        parting_data: None,
        receipt: None,
    }
}
