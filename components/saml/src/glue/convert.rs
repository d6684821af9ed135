//! Types of the bindings, and those of the protocol.

use super::{
    Destination, Parameter, Wire,
    exports::gatewit::driver::about::{Kind, Setting},
};
use alloc::{string::String, vec::Vec};
use gatewit_saml_protocol::{Refusal, binding, settings};

impl From<Refusal> for Wire {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Refused(text) | Refusal::UnknownKey(text) => Self::Refused(text),
            Refusal::Expired(text) => Self::Expired(text),
            Refusal::Unavailable(text) => Self::Unavailable(text),
            Refusal::Misconfigured(text) => Self::Misconfigured(text),
        }
    }
}

pub(super) fn setting(setting: &settings::Setting) -> Setting {
    Setting {
        name: setting.name.into(),
        kind: match setting.kind {
            settings::Kind::Boolean => Kind::Boolean,
            settings::Kind::Number => Kind::Number,
            settings::Kind::Text => Kind::Text,
            settings::Kind::Url => Kind::Url,
            settings::Kind::Keys => Kind::Keys,
        },
        default: setting.default.map(Into::into),
        required: false,
        secret: setting.kind == settings::Kind::Keys,
        help: setting.help.into(),
    }
}

pub(super) fn pairs(parameters: Vec<Parameter>) -> Vec<(String, String)> {
    parameters.into_iter().map(|parameter| (parameter.name, parameter.value)).collect()
}

pub(super) fn destination(to: binding::Destination) -> Destination {
    let form = to.form.into_iter().map(|(name, value)| Parameter { name, value });
    Destination { url: to.url, form: form.collect() }
}
