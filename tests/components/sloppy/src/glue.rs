//! The bindings, and the carelessness.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guest:sloppy;
        world both {
            include gatewit:worlds/credentials-driver@0.1.0;
            export gatewit:driver/redirect@0.1.0;
        }
    ",
    world: "guest:sloppy/both",
    generate_all,
});

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use exports::gatewit::driver::{
    about::{self, Description, Format, Kind},
    credentials, redirect,
};
use gatewit::{
    cache::cache,
    driver::types::{Arrival, Claim, Departure, Destination, Identity, Parameter, Refusal, Start, Subject},
    log::log::{self, Level},
};

/// Bytes of a piece that is taken for each letter of a long value.
const PIECE_BYTES: usize = 1 << 10;

struct Sloppy;

export!(Sloppy);

impl about::Guest for Sloppy {
    /// Says something else each time.
    fn describe() -> Description {
        let setting = |name: &str, kind, default: Option<&str>, required, help: &str| about::Setting {
            name: name.to_string(),
            kind,
            default: default.map(ToString::to_string),
            required,
            secret: false,
            help: help.to_string(),
        };
        let field = |name: &str, format| about::Field { name: name.to_string(), format, identifies: true };
        Description {
            name: "Sloppy".to_string(),
            fields: vec![field("name", Format::Text), field("password", Format::Password)],
            settings: vec![
                setting("server-url", Kind::Url, None, true, "where"),
                setting("api-token", Kind::Text, None, false, "with what"),
                setting("mostTries", Kind::Number, Some("3"), false, ""),
                setting("seconds", Kind::Number, None, false, &wasi::random::random::get_random_u64().to_string()),
            ],
        }
    }
}

impl credentials::Guest for Sloppy {
    fn login(values: Vec<String>) -> Result<Identity, Refusal> {
        // Falls if there is one value only, or none.
        let (name, password) = (&values[0], &values[1]);
        log::write(Level::Info, &format!("{name} comes with {password}"), &[]);
        if password.is_empty() {
            return Ok(somebody());
        }
        if password.contains('\0') {
            core::arch::wasm32::unreachable();
        }
        for _ in 0..password.len() / 1000 {
            core::mem::forget(core::hint::black_box(vec![1_u8; PIECE_BYTES << 10]));
        }
        if cache::get("was here").is_some() {
            return Err(Refusal::Refused(format!("again, and with {password}")));
        }
        cache::put("was here", "", 60);
        Err(Refusal::InvalidCredentials)
    }
}

impl redirect::Guest for Sloppy {
    fn begin(_: Start) -> Result<Departure, Refusal> {
        let memory = "what-nobody-may-see".to_string();
        Ok(Departure {
            to: Destination { url: format!("http://us:them@op.example.com/?v={memory}"), form: vec![] },
            memory,
        })
    }

    fn recall(_: Vec<Parameter>) -> Claim {
        Claim { state: Some("whatever".to_string()), target: None }
    }

    fn finish(_: Arrival) -> Result<Identity, Refusal> {
        Ok(somebody())
    }
}

fn somebody() -> Identity {
    Identity {
        subject: Subject::Identifier("somebody".to_string()),
        email: None,
        email_verified: false,
        given_name: None,
        family_name: None,
        groups: vec![],
        claims: "{}".to_string(),
        auth_data: None,
        session: None,
        parting_data: None,
        receipt: None,
    }
}
