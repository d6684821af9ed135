//! Types of the bindings, and those of the protocol.

use super::{
    Identity, Parameter, Wire,
    exports::gatewit::driver::about::{Kind, Setting},
    gatewit::driver::types::Subject,
};
use alloc::{string::String, vec::Vec};
use gatewit_oauth::{Refusal, person::Person, settings};

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

pub(super) fn response(answer: &gatewit_fetch::Response) -> gatewit_oauth::Response<'_> {
    let content_type = answer.content_type.as_deref();
    gatewit_oauth::Response { status: answer.status, content_type, body: &answer.body }
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
    }
}
