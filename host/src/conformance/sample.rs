//! What a driver is tried with: values that nobody types, answers that no provider gives. Pure.

use crate::{
    bindings::{
        auth::gatewit::driver::types::{Arrival, Parameter},
        driver::exports::gatewit::driver::about::{Kind, Setting},
    },
    config::ProviderSetting,
};

/// Where the provider sends browsers back to.
pub(super) const CALLBACK: &str = "https://gatewit.example.com/auth/login/conformance/callback";

/// What knows a sign-in again. As long as the rules make it.
pub(super) const STATE: &str = "cOnFoRmAnCe-state-0123456789";

/// What a person might type, and what must be in no refusal and no log.
pub(super) const NAME: &str = "nobody.known@example.com";
pub(super) const PASSWORD: &str = "canary-password-4711";

/// A code that no provider gave.
pub(super) const CODE: &str = "canary-code-4711";

/// An address where nobody answers, and which refuses at once.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Bytes of a value that is too long for anybody. A request may carry a megabyte, with several values in it.
const HUGE_BYTES: usize = 256 << 10;

/// Texts that break those who believe what they are told.
pub(super) const ODD: [&str; 12] = [
    "\0",
    "\r\nX-Injected: yes",
    "' OR 1=1 --",
    "*)(uid=*))(|(uid=*",
    "{{7*7}}${7*7}",
    "\u{202e}\u{fe0f}\u{200b}",
    "e\u{301}\u{1f469}\u{200d}\u{1f4bb}",
    "%00%0d%0a",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "{\"verifier\":1}",
    "\u{feff}\u{ffff}\u{10ffff}",
];

pub(super) fn huge() -> String {
    "x".repeat(HUGE_BYTES)
}

/// What a person might type who does not exist.
pub(super) fn wrong(fields: usize) -> Vec<String> {
    (0..fields).map(|place| if place + 1 == fields { PASSWORD } else { NAME }.to_owned()).collect()
}

pub(super) fn empty(fields: usize) -> Vec<Vec<String>> {
    let all = vec![String::new(); fields];
    let last = replaced(wrong(fields), fields.saturating_sub(1), "");
    let first = replaced(wrong(fields), 0, "");
    vec![all, last, first, vec![" ".to_owned(); fields]]
}

pub(super) fn odd(fields: usize) -> Vec<Vec<String>> {
    let all = ODD.iter().map(|text| vec![(*text).to_owned(); fields]);
    let last = ODD.iter().map(|text| replaced(wrong(fields), fields.saturating_sub(1), text));
    all.chain(last).collect()
}

pub(super) fn large(fields: usize) -> Vec<Vec<String>> {
    vec![vec![huge(); fields], replaced(wrong(fields), 0, &huge())]
}

/// The server asks for all fields; a driver that is asked otherwise must not fall.
pub(super) fn miscounted(fields: usize) -> Vec<Vec<String>> {
    vec![Vec::new(), vec![NAME.to_owned(); fields + 1], vec![NAME.to_owned(); 100]]
}

fn replaced(mut values: Vec<String>, place: usize, text: &str) -> Vec<String> {
    if let Some(value) = values.get_mut(place) {
        text.clone_into(value);
    }
    values
}

pub(super) fn parameters(pairs: &[(&str, &str)]) -> Vec<Parameter> {
    pairs.iter().map(|(name, value)| Parameter { name: (*name).to_owned(), value: (*value).to_owned() }).collect()
}

pub(super) fn arrival(memory: Option<&str>, pairs: &[(&str, &str)]) -> Arrival {
    Arrival { callback: CALLBACK.to_owned(), parameters: parameters(pairs), memory: memory.map(ToOwned::to_owned) }
}

/// An answer as providers of OAuth give it, with a code that nobody knows.
pub(super) fn unknown(memory: &str) -> Arrival {
    arrival(Some(memory), &[("code", CODE), ("state", STATE)])
}

pub(super) fn nothing(memory: &str) -> Vec<Arrival> {
    vec![arrival(Some(memory), &[]), arrival(Some(memory), &[("state", STATE)])]
}

pub(super) fn denied(memory: &str) -> Vec<Arrival> {
    let error = [("error", "access_denied"), ("error_description", "the person said no"), ("state", STATE)];
    let with_code = [("error", "access_denied"), ("code", CODE), ("state", STATE)];
    vec![arrival(Some(memory), &error), arrival(Some(memory), &with_code)]
}

/// In the parameters that protocols use, and in others.
pub(super) fn garbage(memory: &str) -> Vec<Arrival> {
    let huge = huge();
    let mut arrivals = vec![
        arrival(Some(memory), &[("code", CODE), ("code", CODE), ("state", STATE)]),
        arrival(Some(memory), &[("code", &huge), ("state", STATE)]),
        arrival(Some(memory), &[("SAMLResponse", &huge)]),
        arrival(Some(memory), &[(NAME, PASSWORD); 100]),
    ];
    let everywhere = |text: &&str| {
        let names = ["code", "state", "iss", "id_token", "SAMLResponse", "RelayState", "signature", text];
        arrival(Some(memory), &names.map(|name| (name, *text)))
    };
    arrivals.extend(ODD.iter().map(everywhere));
    arrivals
}

pub(super) fn foreign() -> Vec<Arrival> {
    let huge = huge();
    let mut memories: Vec<Option<&str>> = vec![None, Some(""), Some("{}"), Some(&huge)];
    memories.extend(ODD.map(Some));
    memories.into_iter().map(|memory| arrival(memory, &[("code", CODE), ("state", STATE)])).collect()
}

/// A value that fits the kind of a required setting, and that nothing answers behind; `None` for keys, which cannot be made up.
pub(super) fn placeholder(setting: &Setting) -> Option<ProviderSetting> {
    let text = match setting.kind {
        Kind::Boolean => "true".to_owned(),
        Kind::Number => "1".to_owned(),
        Kind::Text | Kind::List => format!("placeholder-{}", setting.name),
        Kind::Json => "{}".to_owned(),
        Kind::Url | Kind::Document | Kind::Urls => format!("{NOWHERE}/{}", setting.name),
        Kind::Socket => "/nowhere/conformance.sock".to_owned(),
        Kind::Keys => return None,
    };
    Some(ProviderSetting::of(&setting.name, &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_try_has_as_many_values_as_the_form_has_fields() {
        for fields in 1..4 {
            let tries = [empty(fields), odd(fields), large(fields)].concat();
            assert!(tries.iter().all(|values| values.len() == fields), "{fields}");
            assert!(miscounted(fields).iter().all(|values| values.len() != fields));
            assert_eq!(wrong(fields).last().map(String::as_str), Some(PASSWORD));
        }
    }

    #[test]
    fn no_canary_looks_like_what_the_log_takes_out_by_itself() {
        for canary in [PASSWORD, CODE] {
            assert_eq!(crate::capability::log::redact(canary), canary);
        }
    }
}
