//! The bindings, the calls, and the world as the protocol wants it.

wit_bindgen::generate!({
    path: "../../wit",
    world: "gatewit:worlds/ldap",
    generate_all,
});

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};
use exports::gatewit::driver::{
    about::{self, Description, Field, Format, Kind, Setting},
    check, credentials, refresh,
};
use gatewit::{
    config::settings::{self as config, Value},
    driver::types::{Identity, Refusal as Wire, Subject},
    log::log,
    streams::streams::{self, Connection},
};
use gatewit_ldap_protocol::{
    Refusal,
    address::Place,
    line::{Broken, Line, Network},
    person::Person,
    settings::{self, Settings},
    sign_in,
};
use wasi::clocks::wall_clock;

/// Bytes that are asked for at once: as much as servers send in one go.
const RECEIVE_BYTES: u32 = 64 << 10;

struct Ldap;

export!(Ldap);

impl about::Guest for Ldap {
    fn describe() -> Description {
        Description {
            name: "ldap".into(),
            fields: vec![
                Field { name: "identifier".into(), format: Format::Text, identifies: true },
                Field { name: "password".into(), format: Format::Password, identifies: false },
            ],
            settings: settings::ALL.into_iter().map(setting).collect(),
        }
    }
}

impl credentials::Guest for Ldap {
    fn login(values: Vec<String>) -> Result<Identity, Wire> {
        let [identifier, password] = <[String; 2]>::try_from(values).map_err(|_| Wire::InvalidCredentials)?;
        let person = sign_in::login(&World, &Settings::read(read)?, &identifier, &password)?;
        Ok(identity(person))
    }
}

impl refresh::Guest for Ldap {
    fn refresh(identifier: String, auth_data: Option<String>) -> Result<Option<String>, Wire> {
        sign_in::refresh(&World, &Settings::read(read)?, &identifier)?;
        Ok(auth_data)
    }
}

impl check::Guest for Ldap {
    fn check() -> Result<Vec<String>, Wire> {
        Ok(sign_in::check(&World, &Settings::read(read)?)?)
    }
}

/// The host.
struct World;

impl Network for World {
    type Line = Wired;

    fn connect(&self, place: &Place) -> Result<Wired, Broken> {
        let connection = match place {
            Place::Host { host, port, tls } => streams::connect(host, *port, *tls),
            Place::Socket(path) => streams::connect_to_socket(path),
        };
        connection.map(Wired).map_err(broken)
    }

    fn now(&self) -> u64 {
        wall_clock::now().seconds
    }

    fn step(&self, message: &str, facts: &[(&str, &str)]) {
        write(log::Level::Debug, message, facts);
    }

    fn warn(&self, message: &str, facts: &[(&str, &str)]) {
        write(log::Level::Warn, message, facts);
    }
}

struct Wired(Connection);

impl Line for Wired {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.0.send(bytes).map_err(broken)
    }

    fn receive(&mut self) -> Result<Vec<u8>, Broken> {
        self.0.receive(RECEIVE_BYTES).map_err(broken)
    }

    fn secure(&mut self) -> Result<(), Broken> {
        self.0.secure().map_err(broken)
    }
}

fn broken(error: streams::Error) -> Broken {
    match error {
        streams::Error::Denied => Broken::Denied,
        streams::Error::Unreachable(why) => Broken::Unreachable(why),
        streams::Error::Untrusted(why) => Broken::Untrusted(why),
        streams::Error::Overdue => Broken::Overdue,
        streams::Error::Exhausted => Broken::Exhausted,
        streams::Error::Other(why) => Broken::Other(why),
    }
}

fn write(level: log::Level, message: &str, facts: &[(&str, &str)]) {
    let field = |(name, value): &(&str, &str)| log::Field { name: (*name).to_string(), value: (*value).to_string() };
    log::write(level, message, &facts.iter().map(field).collect::<Vec<_>>());
}

fn read(name: &str) -> Option<settings::Value> {
    Some(match config::get(name)? {
        Value::Boolean(truth) => settings::Value::Boolean(truth),
        Value::Text(text) | Value::Json(text) => settings::Value::Text(text),
        Value::List(texts) => settings::Value::List(texts),
        Value::Number(_) => return None,
    })
}

fn setting(setting: settings::Setting) -> Setting {
    Setting {
        name: setting.name.into(),
        kind: match setting.kind {
            settings::Kind::Boolean => Kind::Boolean,
            settings::Kind::Text => Kind::Text,
            settings::Kind::Urls => Kind::Urls,
            settings::Kind::Socket => Kind::Socket,
        },
        default: setting.default.map(Into::into),
        required: setting.required,
        secret: setting.secret,
        help: setting.help.into(),
    }
}

fn identity(person: Person) -> Identity {
    Identity {
        subject: Subject::Identifier(person.identifier),
        email: person.email,
        email_verified: false,
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

impl From<Refusal> for Wire {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidCredentials => Self::InvalidCredentials,
            Refusal::Refused(text) => Self::Refused(text),
            Refusal::Unavailable(text) => Self::Unavailable(text),
            Refusal::Misconfigured(text) => Self::Misconfigured(text),
        }
    }
}
