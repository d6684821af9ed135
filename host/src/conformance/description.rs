//! Judges what a driver says of itself. Pure.

use super::{
    report::Report,
    rule::{CONSTANT, DEFAULTS, FIELDS, NAME, SECRETS, SETTINGS},
};
use crate::{
    bindings::driver::exports::gatewit::driver::about::{Description, Format, Kind, Setting},
    registry::{is_reserved, read_default},
};

/// Last words of names that nobody gives to what may be seen. A `key` may be that of a member of a document.
const SECRET_WORDS: [&str; 4] = ["password", "passphrase", "secret", "token"];

/// What is judged.
pub(super) struct Described<'a> {
    /// The name of the file, without its ending.
    pub(super) file: &'a str,
    pub(super) first: &'a Description,
    pub(super) second: &'a Description,
    pub(super) takes_credentials: bool,
}

/// All rules about descriptions.
pub(super) fn judge(described: &Described<'_>, report: &mut Report) {
    let Described { file, first, second, takes_credentials } = described;
    let differs = format!("{first:?}") != format!("{second:?}");
    report.judge(&CONSTANT, &list(differs.then(|| "two calls of `describe` have different answers".to_owned())));
    report.judge(&NAME, &name(file, &first.name));
    report.judge(&FIELDS, &fields(first, *takes_credentials));
    let each = |look: fn(&Setting) -> Option<String>| first.settings.iter().filter_map(look).collect::<Vec<_>>();
    let mut settings = each(setting);
    settings.extend(twice(first.settings.iter().map(|setting| setting.name.as_str())));
    report.judge(&SETTINGS, &settings);
    report.judge(&SECRETS, &each(secret));
    report.judge(&DEFAULTS, &each(|setting| read_default(setting).err()));
}

fn list(problem: Option<String>) -> Vec<String> {
    problem.into_iter().collect()
}

fn name(file: &str, name: &str) -> Vec<String> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let mut problems = Vec::new();
    if name.is_empty() || name.len() > 64 || !name.bytes().all(letter) {
        problems.push(format!("it calls itself {name:?}"));
    }
    if name != file {
        problems.push(format!("it calls itself {name:?} and its file is {file}.wasm"));
    }
    problems
}

fn fields(description: &Description, takes_credentials: bool) -> Vec<String> {
    let fields = &description.fields;
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let mut problems: Vec<String> = fields
        .iter()
        .filter(|field| !plain(&field.name))
        .map(|field| format!("the field {:?} has no plain name", field.name))
        .collect();
    problems.extend(twice(fields.iter().map(|field| field.name.as_str())));
    if fields.iter().any(|field| field.identifies && field.format == Format::Password) {
        problems.push("a password names the account".to_owned());
    }
    let naming = fields.iter().filter(|field| field.identifies).count();
    if takes_credentials && naming != 1 {
        problems.push(format!("{naming} fields name the account"));
    }
    if !takes_credentials && !fields.is_empty() {
        problems.push(format!("it takes no credentials and has {} fields", fields.len()));
    }
    problems
}

fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<_> = names.collect();
    let is_second = |(place, name): &(usize, &&str)| names.iter().take(*place).any(|other| other == *name);
    names.iter().enumerate().filter(is_second).map(|(_, name)| format!("{name:?} is there twice")).collect()
}

fn setting(setting: &Setting) -> Option<String> {
    let Setting { name, help, required, default, .. } = setting;
    if !is_kebab_case(name) {
        Some(format!("the setting {name:?} is not in kebab-case"))
    } else if is_reserved(name) {
        Some(format!("the setting {name:?} is one of the server's own"))
    } else if help.trim().is_empty() {
        Some(format!("the setting {name:?} has no help"))
    } else {
        (*required && default.is_some()).then(|| format!("the setting {name:?} is required and has a default"))
    }
}

/// A dot leads inwards: `client.socket-path`.
fn is_kebab_case(name: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.split(['-', '.']).all(word)
}

/// Kinds other than texts are addresses, switches, and keys, which are kept apart anyway.
fn secret(setting: &Setting) -> Option<String> {
    let Setting { name, kind, secret, default, .. } = setting;
    let last = name.rsplit('-').next().unwrap_or_default();
    if *secret && default.is_some() {
        Some(format!("the setting {name:?} is secret and has a default"))
    } else {
        let sounds = *kind == Kind::Text && SECRET_WORDS.contains(&last);
        (sounds && !secret).then(|| format!("the setting {name:?} is not marked as secret"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bindings::driver::exports::gatewit::driver::about::Field, conformance::report::Verdict};

    /// Makes a description a bad one.
    type Spoil = fn(&mut Description);

    fn setting(name: &str) -> Setting {
        let (name, help) = (name.to_owned(), "what it is for".to_owned());
        Setting { name, kind: Kind::Text, default: None, required: false, secret: false, help }
    }

    fn good() -> Description {
        let field = |name: &str, format, identifies| Field { name: name.to_owned(), format, identifies };
        Description {
            name: "acme".to_owned(),
            fields: vec![field("email", Format::Email, true), field("password", Format::Password, false)],
            settings: vec![setting("client-id"), Setting { secret: true, ..setting("client-secret") }],
        }
    }

    /// The rules that a description breaks after this change.
    fn broken(change: fn(&mut Description)) -> Vec<&'static str> {
        let (mut changed, mut report) = (good(), Report::default());
        change(&mut changed);
        judge(&Described { file: "acme", first: &changed, second: &changed, takes_credentials: true }, &mut report);
        assert_eq!(report.checks.len(), 6);
        report.failures().map(|check| check.name).collect()
    }

    #[test]
    fn a_good_description_passes() {
        assert_eq!(broken(|_| ()), [""; 0]);
    }

    #[test]
    fn each_breach_is_found() {
        let cases: [(Spoil, &str); 15] = [
            (|it| it.name = "Acme".into(), NAME.name),
            (|it| it.name = "other".into(), NAME.name),
            (|it| it.fields.clear(), FIELDS.name),
            (|it| it.fields[0].name = "E mail".into(), FIELDS.name),
            (|it| it.fields[1].name = "email".into(), FIELDS.name),
            (|it| it.fields[1].identifies = true, FIELDS.name),
            (|it| it.fields[0].identifies = false, FIELDS.name),
            (|it| it.settings[0].name = "clientId".into(), SETTINGS.name),
            (|it| it.settings[0].name = "client-http-proxy".into(), SETTINGS.name),
            (|it| it.settings[0].name = "label".into(), SETTINGS.name),
            (|it| it.settings[0].help = " ".into(), SETTINGS.name),
            (|it| it.settings[1].name = "client-id".into(), SETTINGS.name),
            (|it| (it.settings[0].required, it.settings[0].default) = (true, Some("x".into())), SETTINGS.name),
            (|it| it.settings[1].secret = false, SECRETS.name),
            (|it| (it.settings[0].kind, it.settings[0].default) = (Kind::Url, Some("nowhere".into())), DEFAULTS.name),
        ];
        for (change, rule) in cases {
            assert!(broken(change).contains(&rule), "{rule}: {:?}", broken(change));
        }
    }

    #[test]
    fn a_description_that_changes_is_found() {
        let (first, mut report) = (good(), Report::default());
        let second = Description { settings: Vec::new(), ..good() };
        judge(&Described { file: "acme", first: &first, second: &second, takes_credentials: true }, &mut report);
        assert!(matches!(report.checks[0].verdict, Verdict::Failed { .. }));
    }
}
